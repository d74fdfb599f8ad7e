import type { Objective, SimpleAttack } from '@llr/core';
import { autoPgd } from './apgd/auto-pgd.ts';
import { type ObjectiveName, objectiveOf } from './apgd/objectives.ts';
import { assertSteps } from './apgd/steps.ts';
import { ascent } from './compiled-ascent.ts';
import { assertRestarts, restartRuns } from './restarts.ts';

export interface ApgdOptions {
  /** `'cross-entropy'`, `'dlr'` (the difference of logits ratio), or one of your own. Default `'cross-entropy'`. */
  objective?: ObjectiveName | Objective;
  /** Default 100. The schedule of the step size depends on it. */
  steps?: number;
  /** Independent random starts. Default 1. */
  restarts?: number;
  /** Default `apgd-ce`, `apgd-dlr`, or `apgd-` and the objective's name. */
  name?: string;
}

/**
 * Auto-PGD (Croce & Hein 2020, Algorithm 1): ascent with momentum along the ball's steepest direction that finds its step
 * sizes by itself. It begins with 2ε and looks at growing frequency, at each example by itself, whether the value still
 * rises; where it doesn't, it halves the step and goes on from the best point so far. In ℓ∞ and ℓ2 balls, ε per example
 * possible.
 *
 * Gives for each example the misclassified point with the highest value if it saw one, otherwise the point with the highest
 * value. A run is `steps` gradients and one forward pass.
 *
 * Where the authors' code (AutoAttack's `autopgd_base.py`) differs from the paper, this goes by the code:
 * - the start is on the sphere of radius ε, then brought into the box;
 * - the intervals between checkpoints are each rounded down to whole steps;
 * - the step is halved also where exactly 75 % of the steps raised the value;
 * - the first step counts as a raise if the value is above 0 after it, not above the start's.
 *
 * It differs from the code where nothing changes for an example that holds: the last gradient, which nothing uses, isn't
 * taken, and of misclassified points the best is kept, not the last. And it differs in ℓ2, where gradients below 1e-12 count.
 *
 * Of two classes, which have no third logit, `'dlr'` is the margin.
 *
 * @throws RangeError when `steps` or `restarts` is not a whole number above 0, or for the name of no objective
 */
export function apgd(options: ApgdOptions = {}): SimpleAttack {
  const { objective: chosen = 'cross-entropy', steps = 100, restarts = 1 } = options;
  assertSteps(steps);
  assertRestarts(restarts);
  const { objective, short } = objectiveOf(chosen);
  const name = options.name ?? `apgd-${short}`;
  return {
    name,
    settings: { objective: objective.name, steps, restarts },
    runs: () => restartRuns(restarts),
    perturb: ascent(name, (problem) => autoPgd(problem, objective, steps)),
  };
}
