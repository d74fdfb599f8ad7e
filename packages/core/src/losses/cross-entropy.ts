import {
  logSoftmax,
  mul,
  neg,
  sum,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { labelMask } from './label-mask.ts';

/**
 * Softmax cross-entropy ℓ = −log p_y from logits, per example.
 *
 * @param logits - `[b, classes]`
 * @param labels - `[b]`, int32
 * @returns `[b]`, in nats; right at second order
 */
export function crossEntropy(logits: Tensor2D, labels: Tensor1D): Tensor1D {
  return tidy(() => neg(sum(mul(labelMask(labels, logits), logSoftmax(logits)), 1)));
}
