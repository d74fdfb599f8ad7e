import {
  type AscentOptions,
  type Attack,
  type Objective,
  perturbationOf,
  projectedAscent,
  type Run,
  targetedMargin,
} from '@llr/core';
import {
  add,
  cast,
  greaterEqual,
  type NamedTensorMap,
  type Scalar,
  scalar,
  type Tensor1D,
  tidy,
} from '@tensorflow/tfjs-core';
import { ascent } from './compiled-ascent.ts';
import { assertRestarts, restartRuns } from './restarts.ts';

/** `stepSize` is in pixel units; the optimiser is Adam unless another is given. */
export interface MultiTargetedOptions extends AscentOptions {
  /** Independent random starts for each target. Default 1. */
  restarts?: number;
  /** Default `multi-targeted-<steps>`. */
  name?: string;
}

/**
 * The paper's Multi-Targeted attack (Gowal et al. 2019; Sec. 5.1, F.1): for every wrong class t in turn, ascends the
 * margin z_t − z_y from random starts. One run for each restart and each of the classes − 1 targets, all targets of the
 * first restart before the second.
 *
 * @param options - the paper's are 200 Adam steps of 0.1, 20 restarts
 * @throws RangeError when `steps` or `restarts` is not a whole number above 0, or `stepSize` not a positive number
 */
export function multiTargeted(options: MultiTargetedOptions): Attack {
  const { restarts = 1, name, ...ascentOptions } = options;
  assertRestarts(restarts);
  const maximizer = projectedAscent(ascentOptions);
  const attack = name ?? `multi-targeted-${options.steps}`;
  const ascend = ascent(attack, (problem, { target }) =>
    perturbationOf(maximizer, problem, towards(target as Scalar)),
  );
  return {
    name: attack,
    runs: ({ numClasses }) =>
      restartRuns(restarts).flatMap((run) =>
        Array.from({ length: numClasses - 1 }, (_, target) => ({
          ...run,
          name: `${run.name}, target ${target}`,
          target,
        })),
      ),
    perturb: (problem, run) =>
      tidy(() => {
        const target = targetOf(run);
        const random = problem.random.fork('restart', run.restart, 'target', target);
        return ascend({ ...problem, random }, { target: scalar(target, 'int32') });
      }),
  };
}

interface Targets extends NamedTensorMap {
  targets: Tensor1D;
}

/** The margin of each example's own wrong class number `target`. */
const towards = (target: Scalar): Objective<Targets> => ({
  name: 'targeted-margin',
  prepare: ({ labels }) => ({ targets: wrongClass(target, labels) }),
  value: ({ logits, labels, state }) => targetedMargin(logits, labels, state.targets),
});

/** The wrong classes counted in ascending order: those from the label on are one further. */
function wrongClass(target: Scalar, labels: Tensor1D): Tensor1D {
  return add(target, cast(greaterEqual(target, labels), 'int32'));
}

function targetOf({ name, target }: Run): number {
  if (target === undefined) throw new Error(`Multi-Targeted: run "${name}" names no target.`);
  return target;
}
