import {
  type AscentOptions,
  lossObjective,
  type Objective,
  perturbationOf,
  projectedAscent,
  type SimpleAttack,
} from '@llr/core';
import { ascent } from './compiled-ascent.ts';
import { assertRestarts, restartRuns } from './restarts.ts';

/** `stepSize` is in pixel units, a number or one for each step; the optimiser is Adam unless another is given. */
export interface PgdOptions extends AscentOptions {
  /** Default cross-entropy. */
  objective?: Objective;
  /** Independent random starts. Default 1. */
  restarts?: number;
  /** Default `pgd-<steps>`, with the objective's name where one is given. */
  name?: string;
}

/**
 * Projected gradient descent (Madry et al. 2018) with Adam, as the paper attacks (F.1): ascends an objective from a
 * uniformly random start in the ball, once for each restart.
 *
 * @throws RangeError when `steps` or `restarts` is not a whole number above 0, or `stepSize` not a positive number
 */
export function pgd(options: PgdOptions): SimpleAttack {
  const { objective = lossObjective(), restarts = 1, name, ...ascentOptions } = options;
  assertRestarts(restarts);
  const maximizer = projectedAscent(ascentOptions);
  const suffix = options.objective ? `-${options.objective.name}` : '';
  const attack = name ?? `pgd-${options.steps}${suffix}`;
  const ascend = ascent(attack, (problem) => perturbationOf(maximizer, problem, objective));
  return {
    name: attack,
    runs: () => restartRuns(restarts),
    perturb: ascend,
  };
}
