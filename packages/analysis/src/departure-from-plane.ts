import type { LossSurface } from './loss-surface.ts';
import { dot, mean } from './numbers.ts';

/**
 * How far from linear a surface is: the largest distance between the loss and the plane that fits it best
 * (least squares), in units of the loss; 0 for a linear loss.
 */
export function departureFromPlane({ adversarial, random, values }: LossSurface): number {
  const centre = mean(values.flat());
  const slope = (axis: readonly number[], along: readonly number[]) =>
    dot(axis, along) / dot(axis, axis);
  // The axes are symmetric about 0, so the constant and the two slopes don't mix.
  const columns = adversarial.map((_, j) => mean(values.map((row) => row[j]!)));
  const rows = values.map(mean);
  const a = slope(adversarial, columns);
  const b = slope(random, rows);
  return Math.max(
    ...values.flatMap((row, i) =>
      row.map((value, j) => Math.abs(value - (centre + a * adversarial[j]! + b * random[i]!))),
    ),
  );
}
