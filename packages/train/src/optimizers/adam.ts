import {
  add,
  dispose,
  div,
  mul,
  sqrt,
  square,
  sub,
  tidy,
  variable,
  zerosLike,
} from '@tensorflow/tfjs-core';
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
    const zeros = () =>
      parameters.map((parameter) => tidy(() => variable(zerosLike(parameter.variable), false)));
    const first = zeros();
    const second = zeros();
    let step = 0;
    return {
      apply: (gradients, learningRate) =>
        tidy(() => {
          step += 1;
          for (const [i, parameter] of parameters.entries()) {
            const gradient = regularizedGradient(parameter, gradients, weightDecay);
            const m = first[i]!;
            const v = second[i]!;
            m.assign(add(mul(m, beta1), mul(gradient, 1 - beta1)));
            v.assign(add(mul(v, beta2), mul(square(gradient), 1 - beta2)));
            const mHat = div(m, 1 - beta1 ** step);
            const vHat = div(v, 1 - beta2 ** step);
            const update = div(mHat, add(sqrt(vHat), epsilon));
            parameter.variable.assign(sub(parameter.variable, mul(update, learningRate)));
          }
        }),
      dispose: () => dispose([...first, ...second]),
    };
  };
}
