import { sign as signOf } from '@tensorflow/tfjs-core';
import type { AscentOptimizer } from './ascent-optimizer.ts';

/** The sign of the gradient: the steepest step in ℓ∞ (Goodfellow et al. 2014). */
export function sign(): AscentOptimizer {
  return {
    name: 'sign',
    init: () => ({}),
    update: (gradient) => ({ update: signOf(gradient), state: {} }),
  };
}
