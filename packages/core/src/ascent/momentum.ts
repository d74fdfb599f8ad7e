import { abs, add, div, maximum, mul, sum, type Tensor4D, zerosLike } from '@tensorflow/tfjs-core';
import { overImages } from '../per-example.ts';
import type { AscentOptimizer } from './ascent-optimizer.ts';

/**
 * The momentum iterative method (MI-FGSM, Dong et al. 2018, Eq. 6 and 7): m ← μ·m + ∇/‖∇‖₁, and a step along the
 * threat model's steepest direction of m, the sign of m in an ℓ∞ ball. Where the gradient is 0, m only decays.
 *
 * @param options.decay - μ. Default 1, as published; 0 is `steepest()`
 * @throws RangeError when `decay` is below 0 or not finite
 */
export function momentum({ decay = 1 } = {}): AscentOptimizer {
  if (!(decay >= 0 && decay < Infinity)) {
    throw new RangeError(`decay must be a finite number, 0 or above; got ${decay}.`);
  }
  return {
    name: `momentum-${decay}`,
    init: (perturbation) => ({ momentum: zerosLike(perturbation) }),
    update: (gradient, state, threat) => {
      const momentum = add(mul(state.momentum!, decay), ofNorm1(gradient)) as Tensor4D;
      return { update: threat.steepest(momentum), state: { momentum } };
    },
  };
}

/** ∇/‖∇‖₁ for each example; 0 where ∇ is 0. */
function ofNorm1(gradient: Tensor4D): Tensor4D {
  const norm = sum(abs(gradient), [1, 2, 3]);
  // The smallest normal float32: what is below it counts as 0.
  return div(gradient, overImages(maximum(norm, 1.1754944e-38)));
}
