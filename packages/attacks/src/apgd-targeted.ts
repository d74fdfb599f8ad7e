import type { SimpleAttack } from '@llr/core';
import { autoPgd } from './apgd/auto-pgd.ts';
import { targetedRatio } from './apgd/objectives.ts';
import { assertSteps } from './apgd/steps.ts';
import { ascent } from './compiled-ascent.ts';
import { assertRestarts } from './restarts.ts';
import { targetedRuns } from './targeted-attack.ts';

export interface ApgdTargetedOptions {
  /** Default 100. */
  steps?: number;
  /** How many of the wrong classes are aimed at, the likeliest first; all, where there are fewer. Default 9. */
  targets?: number;
  /** Independent random starts for each target. Default 1. */
  restarts?: number;
  /** Default `apgd-t`. */
  name?: string;
}

/**
 * Targeted Auto-PGD (Croce & Hein 2020, Sec. 4): `apgd` on the targeted difference of logits ratio, towards each of the
 * likeliest wrong classes in turn. Like any attack it succeeds by whichever wrong class. One run for each restart and target, all
 * targets of the first restart before the second.
 *
 * For fewer than four classes, which that ratio needs, it ascends the margin of the target.
 *
 * @throws RangeError when `steps`, `targets` or `restarts` is not a whole number above 0
 */
export function apgdTargeted(options: ApgdTargetedOptions = {}): SimpleAttack {
  const { steps = 100, targets = 9, restarts = 1, name = 'apgd-t' } = options;
  assertSteps(steps);
  assertRestarts(restarts);
  if (!Number.isInteger(targets) || targets < 1) {
    throw new RangeError(`targets must be a whole number above 0; got ${targets}.`);
  }
  return {
    name,
    settings: { objective: targetedRatio.name, steps, targets, restarts },
    runs: ({ numClasses }) =>
      targetedRuns(restarts, [...Array(Math.min(targets, numClasses - 1)).keys()]),
    perturb: ascent(name, (problem) => autoPgd(problem, targetedRatio, steps)),
  };
}
