import { abs, add, mul, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';
import { adam } from '../ascent/adam.ts';
import { projectedAscent } from '../ascent/projected-ascent.ts';
import { type Maximizer, perturbationOf } from '../contracts/maximizer.ts';
import type { Linearization, Regularizer, TrainContext } from '../contracts/regularizer.ts';
import {
  type LinearityVariant,
  linearityError,
  localLinearityObjective,
} from '../local-linearity.ts';
import { assertWeights } from './assert-weights.ts';
import { problemOf } from './problem-of.ts';

export interface LlrOptions {
  /** λ, the weight of the local linearity γ(ε, x). The paper's 4 on CIFAR-10, 3 on ImageNet. */
  lambda: number;
  /** μ, the weight of |δᵀ∇ₓℓ(x)|. The paper's 3 on CIFAR-10 (WRN-40-8), 6 and 9 on ImageNet; 0 leaves γ alone (Table F3). */
  mu: number;
  /** Default 10 Adam steps of 0.1, as for WRN-28-8 on CIFAR-10. */
  maximizer?: Maximizer;
  /** Default `'paper'`. */
  variant?: LinearityVariant;
  /**
   * What the nominal batch statistics are to ∇ₓℓ(x): constants, so that each example has its own linear
   * model of the loss (F.2), or functions of the images, as in DeepMind's released code; examples then couple.
   * To the parameters they are functions in both. Default `'constant'`.
   */
  statisticsGradient?: 'constant' | 'through';
  /** w, the weight of ℓ(x). Default 2, the paper's on CIFAR-10; 3 on ImageNet. */
  nominalWeight?: number;
}

/**
 * The Local Linearity Regulariser (Qin et al. 2019, Eq. 8 and F.2):
 * λ·g(δ_LLR; x) + μ·|δ_LLRᵀ∇ₓℓ(x)| with δ_LLR = argmax g. Both are taken at the batch statistics of the
 * nominal pass; parameters get their gradient through ∇ₓℓ(x) too, and δ_LLR is constant for them.
 *
 * @throws RangeError when λ, μ or w is negative or not a finite number
 */
export function llr(options: LlrOptions): Regularizer<{ perturbation: Tensor4D }> {
  const {
    lambda,
    mu,
    maximizer = projectedAscent({ optimizer: adam(), stepSize: 0.1, steps: 10 }),
    variant = 'paper',
    statisticsGradient = 'constant',
    nominalWeight = 2,
  } = options;
  assertWeights('llr', { lambda, mu, nominalWeight });
  const linearizationOf = (context: TrainContext): Linearization => {
    const around =
      statisticsGradient === 'constant' ? context.nominal : context.linearization('batch');
    // The gradient first: one pass then gives all.
    const { inputGradient } = around;
    return { inputGradient, loss: around.loss };
  };
  return {
    name: 'llr',
    settings: { lambda, mu, variant, statisticsGradient, maximizer: maximizer.name },
    nominalWeight,
    search: (context) => {
      const around = linearizationOf(context);
      const objective = localLinearityObjective({ loss: context.loss, variant, around });
      const problem = problemOf(context, context.nominal.recorded);
      return { perturbation: perturbationOf(maximizer, problem, objective) };
    },
    penalty: (context, { perturbation }): Tensor1D => {
      const around = linearizationOf(context);
      const perturbed: Tensor4D = add(context.images, perturbation);
      const { logits } = context.forward(perturbed, context.nominal.recorded);
      const lossPerturbed = context.loss(logits, context.labels);
      const { error, directional } = linearityError(around, lossPerturbed, perturbation);
      context.report('linearity error', error);
      context.report('directional derivative', abs(directional));
      return add(mul(lambda, error), mul(mu, abs(directional)));
    },
  };
}
