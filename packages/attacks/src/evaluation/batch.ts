import { type Tensor1D, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import type { Example } from './read-examples.ts';

/** Some examples as a batch of a fixed size. Only the first `count` of its rows count. */
export interface PaddedBatch {
  readonly count: number;
  /** `[size, h, w, c]` */
  readonly images: Tensor4D;
  /** `[size]`, int32 */
  readonly labels: Tensor1D;
  readonly indices: Int32Array;
}

/** Repeats the first of some rows until there are `size`. */
export const padded = <T>(rows: readonly T[], size: number): T[] =>
  Array.from({ length: size }, (_, i) => rows[i] ?? rows[0]!);

/**
 * Makes a batch, padded to the full size by repeating its first row, so that every batch is the same computation and the
 * result for a row depends on no other.
 */
export function paddedBatch(
  examples: readonly Omit<Example, 'position'>[],
  size: number,
  [height, width, channels]: readonly [number, number, number],
): PaddedBatch {
  const all = padded(examples, size);
  const length = height * width * channels;
  const pixels = new Float32Array(size * length);
  all.forEach(({ image }, row) => {
    pixels.set(image, row * length);
  });
  return {
    count: examples.length,
    images: tensor4d(pixels, [size, height, width, channels]),
    labels: tensor1d(
      Int32Array.from(all, ({ label }) => label),
      'int32',
    ),
    indices: Int32Array.from(all, ({ index }) => index),
  };
}
