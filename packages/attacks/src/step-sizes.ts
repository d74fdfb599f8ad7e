import type { Schedule } from '@llr/core';

/** A step size as plain data: one number, or `[from, size]` for each step at which it changes. */
export function stepSizesOf(
  stepSize: number | Schedule,
  steps: number,
): number | (readonly [from: number, size: number])[] {
  if (typeof stepSize === 'number') return stepSize;
  const sizes = Array.from({ length: steps }, (_, step) => [step, stepSize(step)] as const);
  const pieces = sizes.filter(([step, size]) => step === 0 || size !== sizes[step - 1]![1]);
  return pieces.length === 1 ? pieces[0]![1] : pieces;
}
