import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Objective } from './contracts/objective.ts';
import type { PerExampleLoss } from './contracts/regularizer.ts';
import { crossEntropy } from './losses/cross-entropy.ts';

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
