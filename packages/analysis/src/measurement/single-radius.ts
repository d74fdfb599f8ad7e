import type { ThreatModel } from '@llr/core';

/**
 * ε of a threat model that has one for all images.
 *
 * @throws RangeError when it has one for each
 */
export async function singleRadius({ radius }: ThreatModel): Promise<number> {
  const radii = await radius.data();
  if (radii.length !== 1) {
    throw new RangeError(
      `There must be one ε for all images; the threat model has ${radii.length}.`,
    );
  }
  return radii[0]!;
}
