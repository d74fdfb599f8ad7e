import { mul, square, sub, sum, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { type Labels, labelDistribution } from './labels.ts';

/**
 * Squared error ℓ = ½‖y − z‖², per example: the loss of Proposition C.1. Its Hessian in the logits is the
 * identity.
 *
 * @param logits - the network's output z, `[b, classes]`
 * @param labels - integers `[b]`, int32, taken as one-hot y, or any targets y themselves, `[b, classes]`
 * @returns `[b]`; NaN for an example whose integer label is not a class
 * @throws RangeError where the shapes don't match
 */
export function squaredError(logits: Tensor2D, labels: Labels): Tensor1D {
  return tidy(() => mul(0.5, sum(square(sub(labelDistribution(labels, logits), logits)), 1)));
}
