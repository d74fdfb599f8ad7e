import type { SimpleAttack } from '@llr/core';
import { type TargetedOptions, targetedAttack } from './targeted-attack.ts';

/**
 * Towards the class that the network holds for the least likely at the unperturbed image (Kurakin et al. 2016), by PGD on
 * the margin z_t − z_y: the hardest target, of interest for its success rate; as a test of robustness it is weak.
 *
 * @throws RangeError as `multiTargeted`
 */
export const leastLikely = (options: TargetedOptions): SimpleAttack =>
  targetedAttack('least-likely', options, (numClasses) => [numClasses - 2]);
