import {
  type AscentOptions,
  type Objective,
  perturbationOf,
  projectedAscent,
  type SimpleAttack,
  targetedMargin,
} from '@llr/core';
import type { Tensor1D } from '@tensorflow/tfjs-core';
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
export function multiTargeted(options: MultiTargetedOptions): SimpleAttack {
  const { restarts = 1, name, ...ascentOptions } = options;
  assertRestarts(restarts);
  const maximizer = projectedAscent(ascentOptions);
  const attack = name ?? `multi-targeted-${options.steps}`;
  const ascend = ascent(attack, (problem) =>
    perturbationOf(maximizer, problem, targetedMarginObjective),
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
    perturb: ascend,
  };
}

/** The margin of each example's own target. */
const targetedMarginObjective: Objective<{ targets: Tensor1D }> = {
  name: 'targeted-margin',
  prepare: ({ targets }) => {
    if (!targets) throw new Error('A targeted attack needs problem.targets.');
    return { targets };
  },
  value: ({ logits, labels, state }) => targetedMargin(logits, labels, state.targets),
};
