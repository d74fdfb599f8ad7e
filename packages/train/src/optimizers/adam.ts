import {
  add,
  dispose,
  div,
  mul,
  scalar,
  sqrt,
  square,
  sub,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import { zerosFor } from '../named-variable.ts';
import { regularizedGradient } from './weight-decay.ts';
import type { WeightOptimizerFactory } from './weight-optimizer.ts';

/** Adam (Kingma & Ba 2014) for parameters, with L2 regularisation on those that decay. */
export function adam({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0,
} = {}): WeightOptimizerFactory {
  return (parameters) => {
    const first = zerosFor(parameters, 'optimizer/first-moment');
    const second = zerosFor(parameters, 'optimizer/second-moment');
    // 1 − βᵗ, accumulated: as a power in float32 it would cancel.
    const corrections = [beta1, beta2].map((beta, i) => ({
      beta,
      name: `optimizer/correction-${i + 1}`,
      variable: tidy(() => variable(scalar(0), false)),
    }));
    const [correction1, correction2] = corrections.map(({ variable }) => variable);
    const state = [...first, ...second, ...corrections];
    return {
      state,
      apply: (gradients, learningRate) =>
        tidy(() => {
          for (const { beta, variable } of corrections) {
            variable.assign(add(mul(variable, beta), 1 - beta));
          }
          for (const [i, parameter] of parameters.entries()) {
            const gradient = regularizedGradient(parameter, gradients, weightDecay);
            const m = first[i]!.variable;
            const v = second[i]!.variable;
            m.assign(add(mul(m, beta1), mul(gradient, 1 - beta1)));
            v.assign(add(mul(v, beta2), mul(square(gradient), 1 - beta2)));
            const mHat = div(m, correction1!);
            const vHat = div(v, correction2!);
            const update = div(mHat, add(sqrt(vHat), epsilon));
            parameter.variable.assign(sub(parameter.variable, mul(update, learningRate)));
          }
        }),
      dispose: () => dispose(state.map(({ variable }) => variable)),
    };
  };
}
