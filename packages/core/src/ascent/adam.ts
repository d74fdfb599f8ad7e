import { add, div, mul, sqrt, square, type Tensor4D, zerosLike } from '@tensorflow/tfjs-core';
import type { AscentOptimizer } from './ascent-optimizer.ts';

/**
 * Adam (Kingma & Ba 2014) with bias correction and ε = 1e-9 outside the root, as in the paper's attacks
 * (F.1). Its first update is the sign of the gradient; projection never resets its state.
 */
export function adam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-9 } = {}): AscentOptimizer {
  return {
    name: 'adam',
    init: (perturbation) => ({ m: zerosLike(perturbation), v: zerosLike(perturbation) }),
    update: (gradient, state, step) => {
      const m = add(mul(state.m!, beta1), mul(gradient, 1 - beta1)) as Tensor4D;
      const v = add(mul(state.v!, beta2), mul(square(gradient), 1 - beta2)) as Tensor4D;
      const mHat = div(m, 1 - beta1 ** (step + 1));
      const vHat = div(v, 1 - beta2 ** (step + 1));
      return { update: div(mHat, add(sqrt(vHat), epsilon)), state: { m, v } };
    },
  };
}
