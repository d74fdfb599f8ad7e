import { type Classifier, fromFunction } from '@llr/core';
import { add, matMul, reshape, softplus, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { wave } from './affine-classifier.ts';

type Matrix = readonly (readonly number[])[];

/**
 * logits = V softplus(W x + a) + b for an image of 12 pixels, 5 hidden units and 3 classes: as a classifier, and in plain
 * double precision with its Jacobian written out.
 */
export const denseNetwork = {
  inputShape: [2, 2, 3] as const,
  pixels: 12,
  classes: 3,
  w: Array.from({ length: 5 }, (_, i) => wave(12, i + 1, 1.5)) as Matrix,
  a: wave(5, 7),
  v: Array.from({ length: 3 }, (_, i) => wave(5, i + 20, 2)) as Matrix,
  b: wave(3, 31),

  classifier(): Classifier {
    const { w, a, v, b, inputShape, classes } = denseNetwork;
    const matrix = (rows: Matrix) => tensor2d(rows.map((row) => [...row]));
    return fromFunction(
      (images) => {
        const flat = reshape(images, [images.shape[0], -1]) as Tensor2D;
        const hidden = softplus(add(matMul(flat, matrix(w), false, true), tensor2d([a])));
        return add(matMul(hidden as Tensor2D, matrix(v), false, true), tensor2d([b])) as Tensor2D;
      },
      { name: 'dense', inputShape, numClasses: classes },
    );
  },

  /** Logits and their Jacobian `[classes][pixels]`. */
  at(x: readonly number[]): { logits: number[]; jacobian: number[][] } {
    const { w, a, v, b } = denseNetwork;
    const input = w.map((row, i) => a[i]! + inner(row, x));
    const hidden = input.map((z) => Math.log1p(Math.exp(z)));
    const slope = input.map((z) => 1 / (1 + Math.exp(-z)));
    return {
      logits: v.map((row, k) => b[k]! + inner(row, hidden)),
      jacobian: v.map((row) =>
        x.map((_, p) => row.reduce((sum, weight, i) => sum + weight * slope[i]! * w[i]![p]!, 0)),
      ),
    };
  },
};

export const inner = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);

export const softmax = (logits: readonly number[]): number[] => {
  const exps = logits.map(Math.exp);
  const total = exps.reduce((sum, x) => sum + x);
  return exps.map((x) => x / total);
};
