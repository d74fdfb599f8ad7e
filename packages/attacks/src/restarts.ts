import type { Run } from '@llr/core';

/** One run for each random restart. */
export const restartRuns = (restarts: number): readonly Run[] =>
  Array.from({ length: restarts }, (_, restart) => ({ name: `restart ${restart}`, restart }));

/** @throws RangeError unless it is a whole number above 0 */
export function assertRestarts(restarts: number): void {
  if (!Number.isInteger(restarts) || restarts < 1) {
    throw new RangeError(`restarts must be a whole number above 0; got ${restarts}.`);
  }
}
