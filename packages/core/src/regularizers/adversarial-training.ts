import { add, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';
import { adam } from '../ascent/adam.ts';
import { projectedAscent } from '../ascent/projected-ascent.ts';
import { type Maximizer, perturbationOf } from '../contracts/maximizer.ts';
import type { Regularizer } from '../contracts/regularizer.ts';
import { lossObjective } from '../objectives.ts';
import { problemOf } from './problem-of.ts';

/**
 * Adversarial training, ADV (Madry et al. 2018): the loss at the worst perturbation found, in place of
 * the nominal loss (w = 0). As its authors do, each adversarial batch uses its own batch statistics.
 *
 * @param options.maximizer - default 10 Adam steps of 0.1, as the paper's baselines on CIFAR-10
 */
export function adversarialTraining(
  options: { maximizer?: Maximizer } = {},
): Regularizer<{ perturbation: Tensor4D }> {
  const { maximizer = projectedAscent({ optimizer: adam(), stepSize: 0.1, steps: 10 }) } = options;
  return {
    name: 'adversarial-training',
    settings: { maximizer: maximizer.name },
    nominalWeight: 0,
    search: (context) => {
      const objective = lossObjective(context.loss);
      return { perturbation: perturbationOf(maximizer, problemOf(context, 'batch'), objective) };
    },
    penalty: (context, { perturbation }): Tensor1D => {
      const { logits } = context.forward(add(context.images, perturbation), 'batch');
      const loss = context.loss(logits, context.labels);
      context.report('adversarial loss', loss);
      return loss;
    },
  };
}
