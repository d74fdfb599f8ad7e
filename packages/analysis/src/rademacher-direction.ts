import type { RandomSource } from '@llr/core';
import { dot } from './numbers.ts';

/**
 * A random direction to go with an adversarial one δ: ±1 with equal chance, less its part along δ, scaled to the size ε.
 *
 * @param sizeOf - the norm in which sizes are measured
 *
 * @throws RangeError when nothing is left of it
 */
export function rademacherDirection(
  delta: Float32Array,
  epsilon: number,
  random: RandomSource,
  sizeOf: (numbers: ArrayLike<number>) => number,
): Float32Array {
  const bits = random.forExamples([0]).integers([1, delta.length], 2);
  const signs = Float64Array.from(bits, (bit) => 2 * bit - 1);
  const along = dot(signs, delta) / dot(delta, delta);
  const orthogonal = signs.map((sign, i) => sign - along * delta[i]!);
  const size = sizeOf(orthogonal);
  if (size < 1e-6) {
    throw new RangeError(
      `A random direction among ${delta.length} pixels happened to be the adversarial one. Use another seed.`,
    );
  }
  return Float32Array.from(orthogonal, (r) => (r / size) * epsilon);
}
