import {
  logSoftmax,
  mul,
  softmax,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';

/**
 * The Kullback–Leibler divergence KL(p ‖ q) = Σ p (log p − log q) of two softmax distributions, per example.
 * TRADES (Zhang et al. 2019) takes p at the clean image and q at the perturbed one. The gradient flows into
 * both.
 *
 * @param p - logits of p, `[b, classes]`; finite up to ±1e4 and beyond
 * @param q - logits of q, `[b, classes]`
 * @returns `[b]`, in nats; right at second order; 0 where p = q, and near it exact to about 1e-7 (of either sign)
 * @throws RangeError where the shapes don't match
 */
export function klDivergence(p: Tensor2D, q: Tensor2D): Tensor1D {
  if (p.rank !== 2 || p.shape[0] !== q.shape[0] || p.shape[1] !== q.shape[1]) {
    throw new RangeError(
      `klDivergence needs two tensors of logits [b, classes] of one shape; got [${p.shape.join(', ')}] and [${q.shape.join(', ')}].`,
    );
  }
  return tidy(() => sum(mul(softmax(p), sub(logSoftmax(p), logSoftmax(q))), 1));
}
