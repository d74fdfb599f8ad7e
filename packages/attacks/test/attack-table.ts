import { type Attack, inRadii, lossObjective, margin, momentum, sign, steepest } from '@llr/core';
import {
  apgd,
  apgdTargeted,
  fgsm,
  leastLikely,
  multiTargeted,
  pgd,
  randomTargeted,
  square,
  untargeted,
} from '../src/index.ts';

/** A ball in which an attack ends at the best perturbation of a linear network of two classes. */
export type Ball = 'linf' | 'l2';

export interface AttackEntry {
  attack: Attack;
  /**
   * Adam's steps have about one length in every pixel, so in an ℓ2 ball they end nearer to the sign of the gradient than to
   * the gradient; a random search only comes near.
   */
  optimalIn: readonly Ball[];
}

const both: readonly Ball[] = ['linf', 'l2'];
const linf: readonly Ball[] = ['linf'];
const none: readonly Ball[] = [];

const few = { stepSize: 1, steps: 6 };

/** Every attack, with few steps. A new one joins all the tests by a line here. */
export const attackTable: readonly AttackEntry[] = [
  { attack: fgsm(), optimalIn: both },
  { attack: fgsm({ steps: 10 }), optimalIn: both },
  { attack: pgd(few), optimalIn: linf },
  { attack: pgd({ ...few, keep: 'best', restarts: 2, name: 'pgd-best' }), optimalIn: linf },
  { attack: pgd({ ...few, optimizer: sign() }), optimalIn: linf },
  { attack: pgd({ ...few, optimizer: inRadii(steepest()) }), optimalIn: both },
  { attack: pgd({ ...few, optimizer: inRadii(momentum({ decay: 0.9 })) }), optimalIn: both },
  { attack: pgd({ ...few, objective: lossObjective(margin) }), optimalIn: linf },
  { attack: untargeted(few), optimalIn: linf },
  { attack: randomTargeted({ ...few, optimizer: steepest() }), optimalIn: both },
  { attack: leastLikely({ ...few, optimizer: steepest() }), optimalIn: both },
  { attack: multiTargeted({ ...few, restarts: 2 }), optimalIn: linf },
  { attack: apgd({ steps: 12 }), optimalIn: both },
  { attack: apgd({ steps: 12, objective: 'dlr', restarts: 2 }), optimalIn: both },
  { attack: apgdTargeted({ steps: 12, targets: 2 }), optimalIn: both },
  { attack: square({ queries: 60 }), optimalIn: none },
];
