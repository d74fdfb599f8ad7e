import type { Classifier, ThreatModel } from '@llr/core';

/** Of ε. Powers of two up to where the box takes over. */
const multiples = [1 / 4, 1 / 2, 1, 2, 4, 8];

/**
 * From which ε on no network can be robust, since every image may become the same grey one: ½ in ℓ∞, √(h·w·c)/2 in ℓ2; null for
 * other threat models.
 */
export function greyRadius({ name }: ThreatModel, { inputShape }: Classifier): number | null {
  const [height, width, channels] = inputShape;
  if (name === 'linf') return 1 / 2;
  return name === 'l2' ? Math.sqrt(height * width * channels) / 2 : null;
}

/**
 * The radii at which robust accuracy is measured, rising: around ε, and where the ball holds the grey image (from its middle) and
 * the whole box.
 */
export function radiiAround(epsilon: number, grey: number | null): number[] {
  const around = multiples.map((multiple) => multiple * epsilon);
  if (grey === null) return around;
  // One hardly below grey would tell nothing new.
  const below = around.filter((radius) => radius === epsilon || radius < 0.9 * grey);
  return [...below, ...[grey, 2 * grey].filter((radius) => radius > epsilon)];
}
