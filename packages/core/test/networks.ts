import type { Problem, ThreatModel } from '@llr/core';
import { randomSource } from '@llr/core';
import {
  add,
  matMul,
  reshape,
  softplus,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';

/** A function from images `[b, h, w, c]` to logits `[b, classes]`. */
export type Logits = (images: Tensor4D) => Tensor2D;

export const shape = [3, 2, 2] as const;
export const pixels = 12;
export const classes = 4;

/** Uniform numbers in [low, high), the same for the same arguments. */
export function numbers(seed: number, count: number, low = 0, high = 1): Float32Array {
  const drawn = randomSource(seed).forExamples([0]).uniform([1, count], low, high);
  const values = drawn.dataSync().slice() as Float32Array;
  drawn.dispose();
  return values;
}

const matrix = (seed: number, rows: number, columns: number, scale: number) =>
  tensor2d(numbers(seed, rows * columns, -scale, scale), [rows, columns]);

/** z = xW + b. */
export function affine(seed: number): Logits {
  const weights = matrix(seed, pixels, classes, 1);
  const bias = tensor1d(numbers(seed + 1, classes, -1, 1));
  return (images) => tidy(() => add(matMul(reshape(images, [-1, pixels]), weights), bias));
}

/** A smooth network with one hidden layer, in plain numbers too. */
export function mlp(seed: number, hidden = 6, scale = 2) {
  const first = numbers(seed, pixels * hidden, -scale, scale);
  const second = numbers(seed + 1, hidden * classes, -scale, scale);
  const a = tensor2d(first, [pixels, hidden]);
  const b = tensor2d(second, [hidden, classes]);
  const logits: Logits = (images) =>
    tidy(() => matMul(softplus(matMul(reshape(images, [-1, pixels]), a)), b));
  /** The logits of one image in float64. */
  const exact = (image: ArrayLike<number>): number[] => {
    const inner = Array.from({ length: hidden }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < pixels; i++) sum += image[i]! * first[i * hidden + j]!;
      return Math.max(sum, 0) + Math.log1p(Math.exp(-Math.abs(sum)));
    });
    return Array.from({ length: classes }, (_, k) =>
      inner.reduce((z, h, j) => z + h * second[j * classes + k]!, 0),
    );
  };
  return { logits, exact };
}

/** −log p_y in float64. */
export function exactCrossEntropy(logits: readonly number[], label: number): number {
  const largest = Math.max(...logits);
  const sum = logits.reduce((s, z) => s + Math.exp(z - largest), 0);
  return largest + Math.log(sum) - logits[label]!;
}

/** The gradient of a function of one image by central differences, in float64. */
export function exactGradient(
  f: (image: number[]) => number,
  image: ArrayLike<number>,
  step = 1e-5,
): number[] {
  return Array.from(image, (_, i) => {
    const at = (by: number) => f(Array.from(image, (x, j) => (j === i ? x + by : x)));
    return (at(step) - at(-step)) / (2 * step);
  });
}

export interface Batch {
  images: Tensor4D;
  labels: Tensor1D;
  indices: Int32Array;
}

export const imagesOf = (values: ArrayLike<number>): Tensor4D =>
  tensor4d(Float32Array.from(values), [values.length / pixels, ...shape]);

/** Random images and labels for these examples; each depends on its index alone. */
export function batchOf(indices: readonly number[], low = 0, high = 1): Batch {
  return {
    images: imagesOf(indices.flatMap((index) => [...numbers(1000 + index, pixels, low, high)])),
    labels: tensor1d(
      indices.map((index) => (index * 7) % classes),
      'int32',
    ),
    indices: Int32Array.from(indices),
  };
}

export const problemOf = (
  logits: Logits,
  batch: Batch,
  threat: ThreatModel,
  seed = 0,
): Problem => ({
  ...batch,
  logits,
  threat,
  random: randomSource(seed).forExamples(batch.indices),
});

/** A batch's values split by example. */
export function perExample(tensor: { shape: number[]; dataSync(): ArrayLike<number> }): number[][] {
  const values = Array.from(tensor.dataSync());
  const length = values.length / tensor.shape[0]!;
  return Array.from({ length: tensor.shape[0]! }, (_, i) =>
    values.slice(i * length, (i + 1) * length),
  );
}
