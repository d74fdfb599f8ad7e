import { pad, type Tensor4D } from '@tensorflow/tfjs-core';

/**
 * How strided convolutions and pools with windows of 3 or more pad: `'symmetric'` by the same on every side,
 * as PyTorch does, or `'same'`, TensorFlow's, by less before than after on even sizes. They see other windows,
 * so weights don't carry over.
 */
export type Padding = 'symmetric' | 'same';

export const paddings: readonly Padding[] = ['symmetric', 'same'];

/** `[b, h, w, c]` with `margin` more rows and columns of a value on every side. */
export const padImages = (x: Tensor4D, margin: number, value = 0): Tensor4D =>
  pad(
    x,
    [
      [0, 0],
      [margin, margin],
      [margin, margin],
      [0, 0],
    ],
    value,
  );

/** Of either padding, for a window of odd size. */
export const stridedSize = (size: number, stride: number): number => Math.ceil(size / stride);
