import {
  abs,
  div,
  max,
  maximum,
  mul,
  sqrt,
  square,
  sum,
  type Tensor1D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { overImages } from './per-example.ts';

/** The ℓ2 norm of each example of a batch of images `[b, h, w, c]`: `[b]`. Not to be differentiated. */
export const l2Norm = (x: Tensor4D): Tensor1D =>
  tidy(() => {
    const { largest, norm } = scaled(x);
    return mul(largest, norm);
  });

/** x / ‖x‖₂ for each example, however small or large its numbers; 0 where x is 0. Not to be differentiated. */
export const l2Direction = (x: Tensor4D): Tensor4D =>
  tidy(() => {
    const { unit, norm } = scaled(x);
    return div(unit, overImages(maximum(norm, 1)));
  });

/**
 * x over its largest entry, whose norm is 0 or from 1 to √n. The squares of x itself are lost below 1e-19,
 * where gradients of a saturated network are, and overflow above 1e19.
 */
function scaled(x: Tensor4D) {
  const largest: Tensor1D = max(abs(x), [1, 2, 3]);
  const unit = div(x, overImages(maximum(largest, tiny)));
  // One dimension at a time: a plain loop over all pixels loses several digits.
  return { largest, unit, norm: sqrt(sum(sum(sum(square(unit), 3), 2), 1)) as Tensor1D };
}

/** The smallest normal float32: what is below it counts as 0. */
const tiny = 1.1754944e-38;
