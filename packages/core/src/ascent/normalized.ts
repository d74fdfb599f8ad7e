import { l2Direction } from '../l2-norm.ts';
import type { AscentOptimizer } from './ascent-optimizer.ts';

/**
 * The gradient over its ℓ2 norm, per example: the steepest step in ℓ2, as `sign()` is in ℓ∞ (Madry et al.
 * 2018). Where the gradient is 0, so is the step.
 */
export function normalized(): AscentOptimizer {
  return {
    name: 'normalized',
    init: () => ({}),
    update: (gradient) => ({ update: l2Direction(gradient), state: {} }),
  };
}
