import { type Classifier, fromFunction, type ImageSource } from '@llr/core';
import {
  add,
  matMul,
  mul,
  reshape,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor4d,
  variable,
} from '@tensorflow/tfjs-core';

const shape = [8, 8, 1] as const;
export const classes = 4;
const pixels = 64;

/** One smooth pattern for each class, in [−1, 1]. */
const patterns = Array.from({ length: classes }, (_, label) =>
  Array.from({ length: pixels }, (_, at) => {
    const [row, column] = [Math.floor(at / 8), at % 8];
    const along = [column, row, row + column, row - column][label]!;
    return Math.sin((2 * Math.PI * along) / 8);
  }),
);

export interface Example {
  label: number;
  image: number[];
}

/** Grey images with the pattern of their class, some stronger than others, and some noise; far from the ends of the box. */
export function templateExamples(count: number, seed = 0): Example[] {
  return Array.from({ length: count }, (_, i) => {
    const label = i % classes;
    const strength = 0.02 + 0.1 * ((i * 37 + 11 * seed) % 50) * 0.02;
    const image = patterns[label]!.map(
      (value, at) =>
        0.5 + strength * value + 0.04 * Math.sin(12.9898 * (at + 1) * (i + 1 + 100 * seed)),
    );
    return { label, image };
  });
}

/** The images of one batch as tensors. */
export const batchOf = (examples: readonly Example[]) => ({
  images: tensor4d(
    examples.flatMap(({ image }) => image),
    [examples.length, ...shape],
  ),
  labels: tensor1d(
    examples.map(({ label }) => label),
    'int32',
  ),
});

export const sourceOf = (examples: readonly Example[]): ImageSource => ({
  name: 'templates',
  inputShape: shape,
  classNames: ['a', 'b', 'c', 'd'],
  split: 'test',
  size: examples.length,
  async *batches({ batchSize, from: first = 0 }) {
    for (let from = first * batchSize; from < examples.length; from += batchSize) {
      const some = examples.slice(from, from + batchSize);
      yield { ...batchOf(some), indices: Int32Array.from(some, (_, i) => from + i) };
    }
  },
});

const weights = variable(
  tensor2d(
    Array.from({ length: pixels }, (_, at) => patterns.map((pattern) => pattern[at]!)),
    [pixels, classes],
  ),
  false,
);

/** How like each pattern an image is: linear, so that everything about its robustness is known. */
export const likeness = (images: Tensor4D): Tensor2D =>
  add(mul(matMul(reshape(images, [-1, pixels]), weights as never), 0.5), 0) as Tensor2D;

export const classifierOf = (name: string, logits: (images: Tensor4D) => Tensor2D): Classifier =>
  fromFunction(logits, { name, inputShape: shape, numClasses: classes });

/**
 * Whether an example is right under every perturbation of size ε in ℓ∞ (that doesn't reach the ends of the box): the margin to
 * class j falls by at most ε‖w_y − w_j‖₁.
 */
export function isRobust({ label, image }: Example, epsilon: number): boolean {
  const logit = (of: number) =>
    patterns[of]!.reduce((sum, value, at) => sum + 0.5 * value * image[at]!, 0);
  return patterns.every((pattern, other) => {
    if (other === label) return true;
    const reach = pattern.reduce(
      (sum, value, at) => sum + 0.5 * Math.abs(patterns[label]![at]! - value),
      0,
    );
    return logit(label) - logit(other) > epsilon * reach;
  });
}
