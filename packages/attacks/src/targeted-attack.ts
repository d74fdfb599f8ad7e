import {
  type AscentOptions,
  type Objective,
  type Run,
  type SimpleAttack,
  type Target,
  targetedObjective,
} from '@llr/core';
import { ascentAttack } from './ascent-attack.ts';
import { restartRuns } from './restarts.ts';

/** `stepSize` is in pixel units (in radii with `inRadii`); the optimiser is Adam unless another is given. */
export interface TargetedOptions extends AscentOptions {
  /** Default the margin z_t − z_y, as in the paper; another one is `targetedObjective(loss)`. */
  objective?: Objective;
  /** Independent random starts for each target. Default 1. */
  restarts?: number;
  /** Default the attack's name and the number of steps, with the objective's name where one is given. */
  name?: string;
}

/** PGD towards targets: a run for each restart and target, all targets of the first restart before the second. */
export function targetedAttack(
  kind: string,
  options: TargetedOptions,
  targetsAmong: (numClasses: number) => readonly Target[],
): SimpleAttack {
  const { objective, restarts = 1, name, ...ascent } = options;
  const suffix = objective ? `-${objective.name}` : '';
  return ascentAttack({
    name: name ?? `${kind}-${options.steps}${suffix}`,
    objective: objective ?? targetedObjective(),
    ascent,
    restarts,
    runs: ({ numClasses }) => targetedRuns(restarts, targetsAmong(numClasses)),
  });
}

/** All targets of the first restart before the second. */
export const targetedRuns = (restarts: number, targets: readonly Target[]): Run[] =>
  restartRuns(restarts).flatMap((run) =>
    targets.map((target) => ({ ...run, name: `${run.name}, ${labelOf(target)}`, target })),
  );

const labelOf = (target: Target) => (target === 'random' ? 'random target' : `target ${target}`);
