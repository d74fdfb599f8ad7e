import { abs, add, mul, sqrt, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { type QuadraticModelInput, quadraticModel } from '../curvature/quadratic-model.ts';
import { squaredError } from '../losses/squared-error.ts';
import { atLeast, type BoundCheck, compareSides } from './bound-check.ts';

/** Proposition C.1 as printed, and with the smaller right side that its proof gives; each `[b]`. */
export interface SquaredErrorBoundCheck extends BoundCheck {
  tightRight: Tensor1D;
  tightSlack: Tensor1D;
  tightHolds: Tensor1D;
}

/**
 * Proposition C.1, for the squared error ℓ = ½‖y − f(x)‖²: |δᵀ∇ₓℓ(x)| ≤ 2√(2ℓ(x)(γ(ε, x) + |ε(δ)|)).
 *
 * The proof (D.1) has ‖r‖² = 2ℓ and ‖Jδ‖² ≤ 2(γ + |ε|), so |δᵀ∇ₓℓ| = |(Jδ)ᵀr| ≤ 2√(ℓ(γ + |ε|)): √2 less than
 * what is printed. Both are checked.
 *
 * @param input.labels - integers `[b]`, int32, taken as one-hot, or targets y `[b, classes]`
 * @param input.gamma - γ(ε, x) as a search found it, `[b]`; where it is below g(δ; x), or left out, g is taken
 * @returns tensors the caller owns
 * @throws as `quadraticModel`
 */
export function checkSquaredErrorBound(
  input: Omit<QuadraticModelInput, 'loss'> & { gamma?: Tensor1D },
): SquaredErrorBoundCheck {
  return tidy(() => {
    const model = quadraticModel({ ...input, loss: squaredError });
    const { loss, lossPerturbed, directional, error, curvature, modelError } = model;
    const left: Tensor1D = abs(directional);
    const gap = add(atLeast(input.gamma, error), abs(modelError));
    // The product of the two could overflow.
    const tightRight: Tensor1D = mul(2, mul(sqrt(loss), sqrt(gap)));
    const terms = [loss, lossPerturbed, left, mul(0.5, curvature) as Tensor1D];
    const tight = compareSides(left, tightRight, terms);
    return {
      ...compareSides(left, mul(Math.SQRT2, tightRight), terms),
      tightRight,
      tightSlack: tight.slack,
      tightHolds: tight.holds,
    };
  });
}
