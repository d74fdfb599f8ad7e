import { add, dispose, mul, sub, tidy } from '@tensorflow/tfjs-core';
import { zerosFor } from '../named-variable.ts';
import { regularizedGradient } from './weight-decay.ts';
import type { WeightOptimizerFactory } from './weight-optimizer.ts';

/**
 * Stochastic gradient descent with momentum, v ← m·v + ∇, θ ← θ − η·v, and L2 regularisation on the
 * parameters that decay (F.2 of the paper: momentum 0.9, 2e-4 on CIFAR-10, 1e-4 on ImageNet).
 */
export function sgd({ momentum = 0.9, weightDecay = 0 } = {}): WeightOptimizerFactory {
  return (parameters) => {
    const state = zerosFor(parameters, 'optimizer/velocity');
    const velocities = state.map(({ variable }) => variable);
    return {
      state,
      apply: (gradients, learningRate) =>
        tidy(() => {
          for (const [i, parameter] of parameters.entries()) {
            const gradient = regularizedGradient(parameter, gradients, weightDecay);
            velocities[i]!.assign(add(mul(velocities[i]!, momentum), gradient));
            parameter.variable.assign(sub(parameter.variable, mul(velocities[i]!, learningRate)));
          }
        }),
      dispose: () => dispose(velocities),
    };
  };
}
