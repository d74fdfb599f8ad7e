import {
  mul,
  reshape,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';

/** aᵢ · bᵢ for each example of two batches of images, `[b]`. */
export const dotPerExample = (a: Tensor4D, b: Tensor4D): Tensor1D =>
  tidy(() => sum(mul(a, b), [1, 2, 3]));

/** A number for all examples `[1]`, or one for each `[b]`, shaped to multiply a batch of images. */
export const overImages = (perExample: Tensor): Tensor4D => reshape(perExample, [-1, 1, 1, 1]);
