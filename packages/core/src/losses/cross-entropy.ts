import {
  logSoftmax,
  mul,
  neg,
  sum,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { type Labels, labelDistribution } from './labels.ts';

/**
 * Softmax cross-entropy ℓ = −yᵀ log softmax(z) from logits, per example: −log p_y for integer labels.
 *
 * @param logits - `[b, classes]`; finite up to ±1e4 and beyond
 * @param labels - integers `[b]`, int32, or one-hot or soft rows `[b, classes]`
 * @returns `[b]`, in nats; right at second order; NaN for an example whose integer label is not a class
 * @throws RangeError where the shapes don't match
 */
export function crossEntropy(logits: Tensor2D, labels: Labels): Tensor1D {
  return tidy(() => neg(sum(mul(labelDistribution(labels, logits), logSoftmax(logits)), 1)));
}
