import {
  type AscentOptions,
  type Classifier,
  type Objective,
  type Problem,
  perturbationOf,
  projectedAscent,
  type Run,
  type SimpleAttack,
} from '@llr/core';
import { ascent } from './compiled-ascent.ts';
import { assertRestarts } from './restarts.ts';
import { stepSizesOf } from './step-sizes.ts';

/** What an attack that ascends an objective is made of, once everything is decided. */
interface AscentAttack {
  name: string;
  objective: Objective;
  ascent: AscentOptions;
  restarts: number;
  runs(classifier: Classifier): readonly Run[];
  /** Where it starts. Default: where the problem or else the threat model says. */
  start?(problem: Problem): Problem['images'];
}

/**
 * An attack that is one projected ascent for each run.
 *
 * @throws RangeError when `steps` or `restarts` is not a whole number above 0, or a step size not a positive number
 */
export function ascentAttack(options: AscentAttack): SimpleAttack {
  const { name, objective, restarts, runs, start } = options;
  assertRestarts(restarts);
  // Refuses bad options here, rather than in the middle of an evaluation.
  const maximizer = projectedAscent(options.ascent);
  const { optimizer, steps, stepSize, keep = 'last', precision = 'float32' } = options.ascent;
  return {
    name,
    settings: {
      objective: objective.name,
      optimizer: optimizer?.name ?? 'adam',
      steps,
      stepSize: stepSizesOf(stepSize, steps),
      restarts,
      keep,
      precision,
    },
    runs,
    perturb: ascent(name, (problem) => {
      const started = start ? { ...problem, start: start(problem) } : problem;
      return perturbationOf(maximizer, started, objective);
    }),
  };
}
