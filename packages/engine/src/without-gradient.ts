import { engine } from '@tensorflow/tfjs-core';

interface Recording {
  gradientDepth: number;
  activeTape: unknown;
}

/** What the calls in force have put aside, innermost last. */
const outer: Recording[] = [];

const recording = () => (engine() as unknown as { state: Recording }).state;

function under<T>(other: Recording, fn: () => T): T {
  const state = recording();
  const { gradientDepth, activeTape } = state;
  Object.assign(state, other);
  try {
    return fn();
  } finally {
    Object.assign(state, { gradientDepth, activeTape });
  }
}

/** Whether a gradient is being taken, so that what is computed now may be differentiated. */
export const isTaping = (): boolean => recording().gradientDepth > 0;

/**
 * Runs a function whose results are constants for every gradient being taken around it, such as a search
 * for a perturbation inside an objective. Nothing it does is recorded for those gradients, so it holds no
 * memory for them; it may take gradients of its own.
 */
export function withoutGradient<T>(fn: () => T): T {
  const { gradientDepth, activeTape } = recording();
  outer.push({ gradientDepth, activeTape });
  try {
    return under({ gradientDepth: 0, activeTape: null }, fn);
  } finally {
    outer.pop();
  }
}

/**
 * Inside `withoutGradient`, runs a function as if outside it, recorded for the gradients around: for what a
 * search is the first to ask for but doesn't own, such as the nominal pass of its training step. Anywhere
 * else it just runs the function.
 */
export function withOuterGradient<T>(fn: () => T): T {
  const around = outer.pop();
  if (!around) return fn();
  try {
    return under(around, fn);
  } finally {
    outer.push(around);
  }
}
