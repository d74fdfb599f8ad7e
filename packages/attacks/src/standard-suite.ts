import { type Attack, inRadii, steepest } from '@llr/core';
import { apgd } from './apgd.ts';
import { apgdTargeted } from './apgd-targeted.ts';
import { fgsm } from './fgsm.ts';
import { square } from './square.ts';
import { untargeted } from './untargeted.ts';

export interface StandardSuiteOptions {
  /** Of both Auto-PGDs. Default 100. */
  steps?: number;
  /** How many of the wrong classes the targeted Auto-PGD aims at. Default 9. */
  targets?: number;
  /** Of the Square attack. Default 5000. */
  queries?: number;
}

/**
 * What the field takes for the standard, in ℓ∞ and ℓ2, with nothing to tune: Auto-PGD on cross-entropy, targeted Auto-PGD on
 * the difference of logits ratio, and Square, with the budgets of AutoAttack's standard version (Croce & Hein 2020). Before
 * them come FGSM and ten steps of PGD on the margin, 2.5ε long in all: they break cheaply what is easily broken.
 *
 * FAB, AutoAttack's third attack, is not in it: it looks for the smallest perturbation, and what it finds within ε is also
 * what the others look for.
 *
 * @throws RangeError when an option is not a whole number above 0
 */
export function standardSuite(options: StandardSuiteOptions = {}): Attack[] {
  const { steps = 100, targets = 9, queries = 5000 } = options;
  return [
    fgsm(),
    untargeted({ name: 'pgd-10', optimizer: inRadii(steepest()), stepSize: 0.25, steps: 10 }),
    apgd({ steps }),
    apgdTargeted({ steps, targets }),
    square({ queries }),
  ];
}
