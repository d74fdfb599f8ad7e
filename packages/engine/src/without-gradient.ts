import { engine } from '@tensorflow/tfjs-core';

interface Tape {
  state: { gradientDepth: number; activeTape: unknown };
}

/** Whether a gradient is being taken, so that what is computed now may be differentiated. */
export const isTaping = (): boolean => (engine() as unknown as Tape).state.gradientDepth > 0;

/**
 * Runs a function whose results are constants for every gradient being taken around it, such as a search
 * for a perturbation inside an objective. Nothing it does is recorded for those gradients, so it holds no
 * memory for them; it may take gradients of its own.
 */
export function withoutGradient<T>(fn: () => T): T {
  const { state } = engine() as unknown as Tape;
  const { gradientDepth, activeTape } = state;
  Object.assign(state, { gradientDepth: 0, activeTape: null });
  try {
    return fn();
  } finally {
    Object.assign(state, { gradientDepth, activeTape });
  }
}
