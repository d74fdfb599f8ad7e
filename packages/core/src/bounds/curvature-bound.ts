import { abs, add, mul, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { type QuadraticModelInput, quadraticModel } from '../curvature/quadratic-model.ts';
import { atLeast, type BoundCheck, compareSides } from './bound-check.ts';

/**
 * Inequality (C2), from which C.1 and C.2 follow: ½δᵀG(x)δ ≤ g(δ; x) + |ε(δ)| ≤ γ(ε, x) + |ε(δ)|.
 *
 * @param input.gamma - γ(ε, x) as a search found it, `[b]`; where it is below g(δ; x), or left out, g is taken
 * @returns tensors the caller owns
 * @throws as `quadraticModel`
 */
export function checkCurvatureBound(input: QuadraticModelInput & { gamma?: Tensor1D }): BoundCheck {
  return tidy(() => {
    const { loss, lossPerturbed, directional, error, curvature, modelError } =
      quadraticModel(input);
    const left: Tensor1D = mul(0.5, curvature);
    const right: Tensor1D = add(atLeast(input.gamma, error), abs(modelError));
    return { ...compareSides(left, right, [loss, lossPerturbed, directional, left]) };
  });
}
