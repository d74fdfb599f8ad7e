import { lossObjective, margin, type SimpleAttack } from '@llr/core';
import { type PgdOptions, pgd } from './pgd.ts';

/**
 * The paper's Untargeted attack (F.1): PGD on the margin max_{j ≠ y} z_j − z_y, whose gradient, unlike cross-entropy's,
 * doesn't vanish where the network is sure.
 *
 * @param options - as of `pgd`; the paper's are 200 steps of 0.1, then 0.01 from step 100 and 0.001 from 150, 20 restarts
 * @throws RangeError as `pgd`
 */
export function untargeted(options: Omit<PgdOptions, 'objective'>): SimpleAttack {
  return pgd({
    name: `untargeted-${options.steps}`,
    ...options,
    objective: lossObjective(margin),
  });
}
