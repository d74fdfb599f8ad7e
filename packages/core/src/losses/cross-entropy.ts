import { stopGradient } from '@llr/engine';
import {
  abs,
  add,
  exp,
  log,
  log1p,
  logSoftmax,
  max,
  mul,
  neg,
  relu,
  squeeze,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { type Labels, labelDistribution, labelMask } from './labels.ts';
import { without } from './order-statistics.ts';

/**
 * Softmax cross-entropy ℓ = −yᵀ log softmax(z) from logits, per example: −log p_y for integer labels.
 *
 * For integer labels it is computed as log(1 + Σ_{j≠y} e^{z_j − z_y}), which keeps its relative precision,
 * and that of its gradient, where the network is confident: −log softmax has an error of 1e-7·‖z‖ there,
 * more than the loss itself, and differences of losses such as g are made of nothing else.
 *
 * @param logits - `[b, classes]`; finite up to ±1e4 and beyond
 * @param labels - integers `[b]`, int32, or one-hot or soft rows `[b, classes]`
 * @returns `[b]`, in nats; right at second order; NaN for an example whose integer label is not a class
 * @throws RangeError where the shapes don't match
 */
export function crossEntropy(logits: Tensor2D, labels: Labels): Tensor1D {
  return tidy(() =>
    labels.rank === 2
      ? neg(sum(mul(labelDistribution(labels, logits), logSoftmax(logits)), 1))
      : softplusOf(logOddsAgainst(logits, labels as Tensor1D)),
  );
}

/** log Σ_{j≠y} e^{z_j − z_y}: how the odds are against the label. */
function logOddsAgainst(logits: Tensor2D, labels: Tensor1D): Tensor1D {
  const mask = labelMask(labels, logits);
  const wrong = without(logits, mask);
  // The largest, a constant: it cancels.
  const largest = stopGradient(max(wrong, 1, true));
  const spread = log(sum(exp(sub(wrong, largest)), 1));
  return add(spread, sub(squeeze(largest, [1]), sum(mul(mask, logits), 1)));
}

/** log(1 + eᵘ), to full relative precision where it is tiny, which the engines' own softplus need not have. */
const softplusOf = (u: Tensor1D): Tensor1D => add(relu(u), log1p(exp(neg(abs(u)))));
