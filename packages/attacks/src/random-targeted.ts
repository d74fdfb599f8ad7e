import type { SimpleAttack } from '@llr/core';
import { type TargetedOptions, targetedAttack } from './targeted-attack.ts';

/**
 * The paper's Random-Targeted attack (F.1): ascends the margin z_t − z_y of a wrong class t drawn uniformly for each
 * example and restart, from a random start.
 *
 * @param options - the paper's are 200 Adam steps of 0.1, then 0.01 from step 100 and 0.001 from 150, 20 restarts
 * @throws RangeError as `multiTargeted`
 */
export const randomTargeted = (options: TargetedOptions): SimpleAttack =>
  targetedAttack('random-targeted', options, () => ['random']);
