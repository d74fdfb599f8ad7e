import {
  abs,
  add,
  exp,
  less,
  lessEqual,
  log,
  logicalOr,
  mul,
  sub,
  type Tensor1D,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import { logCrossEntropyCurvature } from '../curvature/hessian-factor.ts';
import { type QuadraticModelInput, quadraticModel } from '../curvature/quadratic-model.ts';
import { crossEntropy } from '../losses/cross-entropy.ts';
import type { Labels } from '../losses/labels.ts';
import { atLeast, type BoundCheck, rounding, roundingShare } from './bound-check.ts';

/** Proposition C.2, also as the logarithms of both sides, which don't overflow; each `[b]`. */
export interface CrossEntropyBoundCheck extends BoundCheck {
  /** log|δᵀ∇ₓℓ(x)|; −∞ where that is 0. */
  logLeft: Tensor1D;
  /** ½(log 2 + ℓ(x) + log(γ + |ε|)). */
  logRight: Tensor1D;
}

/**
 * Proposition C.2, for softmax cross-entropy ℓ = −log yᵀp: |δᵀ∇ₓℓ(x)| ≤ √(2/(yᵀp) · (γ(ε, x) + |ε(δ)|)). (Its
 * ν lacks the minus, and `zᵀr` in its proof stands for −Δzᵀr.)
 *
 * Since 1/(yᵀp) = e^ℓ, the sides are compared as logarithms, up to 1e-5·(1 + ℓ) there, besides the tolerance of
 * `BoundCheck`. Near saturation (yᵀp → 0):
 * - both logarithms stay finite (while δᵀ∇ₓℓ ≠ 0); `right` itself, and the slack, are ∞ where they are too large
 *   for float32, above 3.4e38, from ℓ ≈ 177 on;
 * - where γ + |ε| is rounded to less than the ½δᵀGδ it can't be below (C2), that is taken instead, computed from
 *   log p;
 * - γ and ε(δ) are differences of losses, exact to about 1e-7·ℓ, and e^ℓ magnifies that: from ℓ ≈ 15 on the
 *   right side is rather the rounding's than the network's, and that the bound holds says little.
 *
 * @param input.labels - integers `[b]`, int32, or one-hot rows `[b, classes]`
 * @param input.gamma - γ(ε, x) as a search found it, `[b]`; where it is below g(δ; x), or left out, g is taken
 * @returns tensors the caller owns
 * @throws RangeError for soft labels, for which there is no such bound; else as `quadraticModel`
 */
export function checkCrossEntropyBound(
  input: Omit<QuadraticModelInput, 'loss'> & { gamma?: Tensor1D },
): CrossEntropyBoundCheck {
  assertOneHot(input.labels);
  return tidy(() => {
    const model = quadraticModel({ ...input, loss: crossEntropy });
    const { loss, lossPerturbed, directional, error, curvature, modelError } = model;
    const left: Tensor1D = abs(directional);
    const logCurvature = logCrossEntropyCurvature(model.logits, model.logitChange);
    const logGap = larger(
      log(add(atLeast(input.gamma, error), abs(modelError))),
      sub(logCurvature, Math.LN2),
    );
    const logLeft: Tensor1D = log(left);
    const logRight: Tensor1D = mul(0.5, add(add(loss, logGap), Math.LN2));
    const right: Tensor1D = exp(logRight);
    const terms = [loss, lossPerturbed, left, mul(0.5, curvature) as Tensor1D];
    const logRounding = mul(roundingShare, add(1, loss));
    const slack: Tensor1D = sub(right, left);
    const holds: Tensor1D = logicalOr(
      lessEqual(logLeft, add(logRight, logRounding)),
      lessEqual(left, add(right, rounding(terms))),
    );
    return { left, right, slack, holds, logLeft, logRight };
  });
}

/** The larger of two, or what is not a number. */
const larger = (a: Tensor1D, b: Tensor1D): Tensor1D => where(less(a, b), b, a);

function assertOneHot(labels: Labels) {
  if (labels.rank === 1) return;
  (labels.arraySync() as number[][]).forEach((row, example) => {
    const ones = row.filter((share) => share === 1).length;
    if (ones === 1 && row.every((share) => share === 0 || share === 1)) return;
    throw new RangeError(
      `Proposition C.2 needs integer or one-hot labels; the label of example ${example} is [${row.join(', ')}].`,
    );
  });
}
