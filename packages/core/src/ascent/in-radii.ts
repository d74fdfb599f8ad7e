import { mul, type Tensor4D } from '@tensorflow/tfjs-core';
import { overImages } from '../per-example.ts';
import type { AscentOptimizer } from './ascent-optimizer.ts';

/**
 * Steps measured in radii instead of pixel units: with it, a step size of 0.1 is ε/10 whatever ε is, and each example's
 * own where there is one for each.
 */
export function inRadii(optimizer: AscentOptimizer): AscentOptimizer {
  return {
    name: `${optimizer.name}-in-radii`,
    init: (perturbation) => optimizer.init(perturbation),
    update: (gradient, state, threat) => {
      const { update, state: next } = optimizer.update(gradient, state, threat);
      return { update: mul(update, overImages(threat.radius)) as Tensor4D, state: next };
    },
  };
}
