import type { AscentOptimizer } from './ascent-optimizer.ts';

/**
 * The threat model's own steepest direction: `sign()` in an ℓ∞ ball, `normalized()` in an ℓ2 ball, so that one
 * attack suits both.
 */
export function steepest(): AscentOptimizer {
  return {
    name: 'steepest',
    init: () => ({}),
    update: (gradient, _, threat) => ({ update: threat.steepest(gradient), state: {} }),
  };
}
