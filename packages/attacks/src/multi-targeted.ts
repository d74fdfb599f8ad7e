import type { SimpleAttack } from '@llr/core';
import { type TargetedOptions, targetedAttack } from './targeted-attack.ts';

/**
 * The paper's Multi-Targeted attack (Gowal et al. 2019; Sec. 5.1, F.1): ascends the margin z_t − z_y of every wrong class
 * t from random starts, the likeliest class at the unperturbed image first. One run for each restart and each of the
 * classes − 1 targets, all targets of the first restart before the second.
 *
 * @param options - the paper's are 200 Adam steps of 0.1, 20 restarts
 * @throws RangeError when `steps` or `restarts` is not a whole number above 0, or `stepSize` not a positive number
 */
export const multiTargeted = (options: TargetedOptions): SimpleAttack =>
  targetedAttack('multi-targeted', options, (numClasses) => [...Array(numClasses - 1).keys()]);
