import type { Schedule, SimpleAttack } from '@llr/core';
import { fgsm } from './fgsm.ts';
import { multiTargeted } from './multi-targeted.ts';
import { randomTargeted } from './random-targeted.ts';
import { untargeted } from './untargeted.ts';

export interface PaperSuiteOptions {
  /**
   * What the targeted attack aims at: `'every'` wrong class, Multi-Targeted, as on CIFAR-10; or a `'random'` one for each
   * restart, Random-Targeted, as on ImageNet, where there would be 999. Default `'every'`.
   */
  targets?: 'every' | 'random';
  /** Of Untargeted and of the targeted attack. Default the paper's 20. */
  restarts?: number;
  /** Of Untargeted and of the targeted attack. Default the paper's 200; with fewer, step sizes change proportionally earlier. */
  steps?: number;
}

/**
 * The attacks of the paper's evaluation (F.1), cheap ones first: FGSM-20 with steps of ε/10; PGD-50, the evaluation during
 * training; Untargeted; and Multi-Targeted or Random-Targeted. Steps are Adam's but for FGSM-20, objectives logit margins.
 *
 * ε is the threat model's, which the evaluation is given: FGSM-20's steps are measured in it, all others are 0.1 and less
 * in pixel units whatever it is, as printed. Of PGD-50 the paper says the number of steps; the rest is as in its authors'
 * code: the margin, steps of 0.1, one start.
 *
 * @throws RangeError when `steps` or `restarts` is not a whole number above 0
 */
export function paperSuite(options: PaperSuiteOptions = {}): SimpleAttack[] {
  const { targets = 'every', restarts = 20, steps = 200 } = options;
  const falling = { steps, stepSize: fallingStepSize(steps), restarts };
  return [
    fgsm({ steps: 20 }),
    untargeted({ name: 'pgd-50', steps: 50, stepSize: 0.1 }),
    untargeted(falling),
    targets === 'every'
      ? multiTargeted({ steps, stepSize: 0.1, restarts })
      : randomTargeted(falling),
  ];
}

/** 0.1 for the first half of the steps, 0.01 for the next quarter, 0.001 for the last: of 200, up to step 100 and 150. */
const fallingStepSize =
  (steps: number): Schedule =>
  (step) => {
    if (step < steps / 2) return 0.1;
    return step < (3 * steps) / 4 ? 0.01 : 0.001;
  };
