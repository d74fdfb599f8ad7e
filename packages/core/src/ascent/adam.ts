import {
  add,
  div,
  mul,
  type Rank,
  sqrt,
  square,
  type Tensor4D,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { AscentOptimizer } from './ascent-optimizer.ts';

/**
 * Adam (Kingma & Ba 2014) with bias correction and ε = 1e-9 outside the root, as in the paper's attacks
 * (F.1). Its first update is the sign of the gradient; projection never resets its state.
 */
export function adam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-9 } = {}): AscentOptimizer {
  // 1 − βᵗ, accumulated: as a power in float32 it would cancel. One for each example, which may be replaced.
  const correct = (correction: Tensor4D, beta: number): Tensor4D =>
    add(mul(correction, beta), 1 - beta);
  return {
    name: 'adam',
    init: (perturbation) => {
      const none = zeros<Rank.R4>([perturbation.shape[0], 1, 1, 1]);
      return {
        m: zerosLike(perturbation),
        v: zerosLike(perturbation),
        correction1: none,
        correction2: none.clone(),
      };
    },
    update: (gradient, state) => {
      const m = add(mul(state.m!, beta1), mul(gradient, 1 - beta1)) as Tensor4D;
      const v = add(mul(state.v!, beta2), mul(square(gradient), 1 - beta2)) as Tensor4D;
      const correction1 = correct(state.correction1 as Tensor4D, beta1);
      const correction2 = correct(state.correction2 as Tensor4D, beta2);
      const update = div(div(m, correction1), add(sqrt(div(v, correction2)), epsilon)) as Tensor4D;
      return { update, state: { m, v, correction1, correction2 } };
    },
  };
}
