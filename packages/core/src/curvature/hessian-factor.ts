import {
  abs,
  add,
  argMax,
  clone,
  exp,
  greater,
  log,
  logSoftmax,
  max,
  mul,
  oneHot,
  sign,
  softmax,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { crossEntropy } from '../losses/cross-entropy.ts';
import { squaredError } from '../losses/squared-error.ts';

/** Cᵀv for each example, where H_ν(z) = CCᵀ is the Hessian of a loss in the logits; both `[b, classes]`. */
type HessianFactor = (logits: Tensor2D, vector: Tensor2D) => Tensor2D;

/**
 * The factor of the Hessian of softmax cross-entropy in the logits, applied to a vector: Cᵀv = q ⊙ (v − pᵀv),
 * where H_ν = diag(p) − ppᵀ = CCᵀ, C = diag(q) − pqᵀ and q = √p (D.2). So vᵀH_ν v = ‖Cᵀv‖² ≥ 0, and neither
 * H_ν nor C is ever formed.
 *
 * @param logits - z, `[b, classes]`
 * @param vector - v, `[b, classes]`
 * @returns `[b, classes]`; the same for all labels, since H_ν doesn't depend on y
 */
export function crossEntropyHessianFactor(logits: Tensor2D, vector: Tensor2D): Tensor2D {
  return tidy(() => {
    const p = softmax(logits);
    return mul(sqrt(p), sub(vector, sum(mul(p, vector), 1, true)));
  });
}

/** The squared error ½‖y − z‖² has H_ν = I, so C = I. */
const squaredErrorHessianFactor: HessianFactor = (_logits, vector) => clone(vector);

const factors = new Map<unknown, HessianFactor>([
  [crossEntropy, crossEntropyHessianFactor],
  [squaredError, squaredErrorHessianFactor],
]);

/** The factor that belongs to a loss. */
export function hessianFactorOf(loss: (...args: never[]) => Tensor): HessianFactor {
  const factor = factors.get(loss);
  if (factor) return factor;
  throw new TypeError(
    `The Generalized Gauss-Newton matrix is known for crossEntropy and squaredError of @llr/core; got ${loss.name ? `the loss "${loss.name}"` : 'another loss'}.`,
  );
}

/**
 * log vᵀH_ν(z)v of softmax cross-entropy `[b]`, finite where all probabilities but one are too small for
 * float32; −∞ where it is 0.
 *
 * It is 2·log‖Cᵀv‖ with q ⊙ v scaled by its largest entry. H_ν doesn't see a shift common to all of v, so v is
 * measured from its entry at the most likely class, whose q is near 1: no entry that matters cancels.
 */
export function logCrossEntropyCurvature(logits: Tensor2D, vector: Tensor2D): Tensor1D {
  return tidy(() => {
    const logQ = mul(0.5, logSoftmax(logits));
    const likeliest = oneHot(argMax(logits, 1) as Tensor1D, logits.shape[1]);
    const shifted = sub(vector, sum(mul(vector, likeliest), 1, true));
    const logSize = add(logQ, log(abs(shifted)));
    const largest = max(logSize, 1, true);
    const scale = where(greater(largest, -1e30), largest, zerosLike(largest));
    const scaled = mul(sign(shifted), exp(sub(logSize, scale)));
    const q = exp(logQ);
    const factor = sub(scaled, mul(q, sum(mul(q, scaled), 1, true)));
    return add(mul(2, sum(scale, 1)), log(sum(square(factor), 1))) as Tensor1D;
  });
}
