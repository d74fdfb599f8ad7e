import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Objective } from './contracts/objective.ts';
import type { PerExampleLoss } from './contracts/regularizer.ts';
import { crossEntropy } from './losses/cross-entropy.ts';
import { targetedMargin } from './losses/margin.ts';

/**
 * The objective that is a loss of the perturbed logits: what plain adversarial attacks and adversarial
 * training ascend. Default: cross-entropy.
 */
export function lossObjective(loss: PerExampleLoss = crossEntropy): Objective {
  return {
    name: loss.name || 'loss',
    prepare: () => ({}),
    value: ({ logits, labels }: { logits: Tensor2D; labels: Tensor1D }) => loss(logits, labels),
  };
}

/**
 * The objective of a targeted attack: a loss of the perturbed logits that grows as each example comes nearer to its own
 * target, `problem.targets`. Default: the margin z_t − z_y.
 *
 * @throws Error, when it is ascended, where the problem has no targets
 */
export function targetedObjective(
  loss: (logits: Tensor2D, labels: Tensor1D, targets: Tensor1D) => Tensor1D = targetedMargin,
): Objective<{ targets: Tensor1D }> {
  return {
    name: loss.name || 'targeted-loss',
    prepare: ({ targets }) => {
      if (!targets)
        throw new Error('A targeted attack needs problem.targets, a class for each row.');
      return { targets };
    },
    value: ({ logits, labels, state }) => loss(logits, labels, state.targets),
  };
}
