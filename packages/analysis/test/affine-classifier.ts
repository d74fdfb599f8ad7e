import type { Classifier } from '@llr/core';
import {
  add,
  matMul,
  reshape,
  type Tensor2D,
  type Tensor4D,
  tensor2d,
} from '@tensorflow/tfjs-core';

/** logits = Wᵀx + b, with plain arrays: whatever is measured on it has a closed form. */
export function affineClassifier(
  inputShape: readonly [number, number, number],
  weights: readonly (readonly number[])[],
  bias: readonly number[],
): Classifier {
  const forward = (images: Tensor4D): Tensor2D => {
    const flat = reshape(images, [images.shape[0], -1]) as Tensor2D;
    const matrix = tensor2d(weights.map((row) => [...row]));
    return add(matMul(flat, matrix), tensor2d([[...bias]])) as Tensor2D;
  };
  return {
    name: 'affine',
    inputShape,
    numClasses: bias.length,
    statistics: 'running',
    forward: (images) => ({ logits: forward(images) }),
    freeze: () => forward,
  };
}

/** Numbers that look random and are the same every time. */
export const wave = (length: number, phase: number, size = 1): number[] =>
  Array.from({ length }, (_, i) => size * Math.sin(12.9898 * (i + 1) + 78.233 * phase));
