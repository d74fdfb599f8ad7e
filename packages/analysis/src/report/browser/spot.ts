import type { SurfaceData } from '../surface-data.ts';

/** A place on the plane, in units of ε. */
export interface Spot {
  u: number;
  v: number;
}

/** The point of a surface's grid that is nearest to a place: only there has the loss been measured. */
export function gridPoint({ adversarial, random }: SurfaceData, { u, v }: Spot) {
  return { column: nearestIndex(adversarial, u), row: nearestIndex(random, v) };
}

/** Of an evenly spaced axis. */
function nearestIndex(axis: readonly number[], value: number): number {
  const last = axis.length - 1;
  const at = ((value - axis[0]!) / (axis[last]! - axis[0]!)) * last;
  return Math.min(last, Math.max(0, Math.round(at)));
}
