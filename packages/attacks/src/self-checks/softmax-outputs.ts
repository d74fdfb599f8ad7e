import type { Sample } from './sample.ts';
import type { Warning } from './warning.ts';

const tolerance = 1e-4;

/**
 * Probabilities where logits are expected: no output below 0, and each example's add up to 1 (AutoAttack's test too).
 * Their logarithms are fine: log-softmax moves all logits of an example alike, which no loss here notices.
 */
export function checkOutputs({ logits, numClasses }: Sample): Warning[] {
  for (let from = 0; from < logits.length; from += numClasses) {
    const outputs = logits.subarray(from, from + numClasses);
    const total = outputs.reduce((sum, output) => sum + output, 0);
    const proper = outputs.every((output) => output >= -tolerance);
    if (!proper || !(Math.abs(total - 1) <= tolerance)) return [];
  }
  return [
    {
      check: 'softmax-outputs',
      message:
        "The network's outputs are probabilities: none is below 0, and each example's add up to 1. Attacks expect logits; a softmax before the loss flattens it, gradients vanish where the network is sure, and the network seems more robust than it is. Give the outputs before the softmax.",
    },
  ];
}
