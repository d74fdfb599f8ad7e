import { type AscentOptions, lossObjective, type Objective, type SimpleAttack } from '@llr/core';
import { ascentAttack } from './ascent-attack.ts';
import { restartRuns } from './restarts.ts';

/**
 * `stepSize` is in pixel units (in radii with `inRadii`), a number or one for each step; the optimiser is Adam unless
 * another is given.
 */
export interface PgdOptions extends AscentOptions {
  /** Default cross-entropy. */
  objective?: Objective;
  /** Independent random starts. Default 1. */
  restarts?: number;
  /** Default `pgd-<steps>`, with the names of the optimiser and the objective where they are given. */
  name?: string;
}

/**
 * Projected gradient descent: ascends an objective from a uniformly random start in the ball, once for each restart.
 *
 * - With Adam, the default, it is how the paper attacks (F.1), in an ℓ∞ ball. Its steps have about one length in every pixel,
 *   so in an ℓ2 ball they lead nearer to the sign of the gradient than to the gradient: prefer the next ones there.
 * - `optimizer: steepest()` is Madry et al.'s (2018): the sign of the gradient in an ℓ∞ ball, the gradient over its norm in
 *   an ℓ2 ball.
 * - `optimizer: momentum()` is MI-FGSM (Dong et al. 2018), from a random start.
 * - `inRadii(…)` around any of them measures `stepSize` in ε.
 *
 * @throws RangeError when `steps` or `restarts` is not a whole number above 0, or `stepSize` not a positive number
 */
export function pgd(options: PgdOptions): SimpleAttack {
  const { objective, restarts = 1, name, ...ascent } = options;
  const given = [ascent.optimizer?.name, objective?.name].filter((part) => part !== undefined);
  return ascentAttack({
    name: name ?? [`pgd-${options.steps}`, ...given].join('-'),
    objective: objective ?? lossObjective(),
    ascent,
    restarts,
    runs: () => restartRuns(restarts),
  });
}
