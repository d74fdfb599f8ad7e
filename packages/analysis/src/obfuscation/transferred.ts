import type { Attack, Classifier, SimpleAttack } from '@llr/core';

/**
 * An attack on one network with what breaks another: it follows the surrogate's gradients, and knows of the network attacked
 * nothing at all (Papernot et al. 2017).
 *
 * @param attack - one that is not in stages
 */
export function transferred(attack: Attack, surrogate: Classifier): SimpleAttack {
  if (!('perturb' in attack)) {
    throw new TypeError(`${attack.name} runs in stages, which can't be transferred.`);
  }
  const logits = surrogate.freeze('running');
  return {
    ...attack,
    name: `${attack.name}-from-${surrogate.name}`,
    access: 'black-box',
    perturb: (problem) => attack.perturb({ ...problem, logits }),
  };
}
