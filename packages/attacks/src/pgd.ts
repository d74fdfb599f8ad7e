import {
  type AscentOptions,
  type Attack,
  lossObjective,
  type Objective,
  projectedAscent,
} from '@llr/core';
import { tidy } from '@tensorflow/tfjs-core';
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
export function pgd(options: PgdOptions): Attack {
  const { objective = lossObjective(), restarts = 1, name, ...ascent } = options;
  assertRestarts(restarts);
  const maximizer = projectedAscent(ascent);
  const suffix = options.objective ? `-${options.objective.name}` : '';
  return {
    name: name ?? `pgd-${ascent.steps}${suffix}`,
    runs: () => restartRuns(restarts),
    perturb: (problem, run) =>
      tidy(() => {
        const random = problem.random.fork('restart', run.restart);
        return maximizer.maximize({ ...problem, random }, objective).perturbation;
      }),
  };
}
