import { dotPerExample, type Regularizer } from '@llr/core';
import { mul } from '@tensorflow/tfjs-core';

/**
 * Double backpropagation (Drucker and Le Cun 1992): λ·‖∇ₓℓ(x)‖² for each example. A loss whose gradient is
 * small changes little under a small perturbation; nothing is said about how far that goes, which is
 * what the linearity of LLR is for.
 *
 * @param lambda - the weight of the penalty, 0 or more
 */
export function inputGradientPenalty(lambda: number): Regularizer {
  if (!(lambda >= 0)) {
    throw new RangeError(`inputGradientPenalty: lambda must be 0 or more; got ${lambda}.`);
  }
  return {
    name: 'input-gradient-penalty',
    penalty: ({ nominal, report }) => {
      const squaredNorm = dotPerExample(nominal.inputGradient, nominal.inputGradient);
      report('squared gradient norm', squaredNorm);
      return mul(lambda, squaredNorm);
    },
  };
}
