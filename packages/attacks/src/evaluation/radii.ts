import type { ThreatModel } from '@llr/core';
import { tensor1d } from '@tensorflow/tfjs-core';
import { padded } from './batch.ts';

/** The radius of every example: one for all, or one for each in the order of the source. */
export interface Radii {
  /** The threat model's. */
  readonly name: string;
  readonly epsilon: number | 'per example';
  of(position: number): number;
  /** The threat model of a batch with these radii. */
  threatFor<T>(
    radii: readonly number[],
    size: number,
    use: (threat: ThreatModel) => Promise<T>,
  ): Promise<T>;
}

/**
 * @param examples - how many the source has
 * @throws Error when there are other than one radius or one for each example, or a radius isn't a number from 0
 */
export async function radiiOf(threat: ThreatModel, examples: number): Promise<Radii> {
  const radii = (await threat.radius.data()) as Float32Array;
  const { withRadius } = threat;
  const wrong = radii.findIndex((radius) => !(radius >= 0));
  if (wrong >= 0) throw new Error(`ε must be a number from 0; radius ${wrong} is ${radii[wrong]}.`);
  if (radii.length === 1) {
    return {
      name: threat.name,
      epsilon: radii[0]!,
      of: () => radii[0]!,
      threatFor: (_radii, _size, use) => use(threat),
    };
  }
  if (radii.length !== examples) {
    throw new Error(
      `The threat model ${threat.name} has ${radii.length} radii for ${examples} examples; it needs one radius, or one for each.`,
    );
  }
  if (!withRadius) {
    throw new Error(
      `A radius for each example needs a threat model that can be made with another radius (withRadius); ${threat.name} can't.`,
    );
  }
  return {
    name: threat.name,
    epsilon: 'per example',
    of: (position) => radii[position]!,
    threatFor: async (some, size, use) => {
      const radius = tensor1d(padded(some, size));
      try {
        return await use(withRadius(radius));
      } finally {
        radius.dispose();
      }
    },
  };
}
