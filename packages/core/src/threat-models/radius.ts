import { Tensor, type Tensor1D, tensor1d } from '@tensorflow/tfjs-core';
import type { ThreatModel } from '../contracts/threat-model.ts';

/** A radius as the tensor that threat models hold: one number, one per example, or a tensor already. */
export function asRadius(
  epsilon: number | readonly number[] | Tensor1D,
  assert: (epsilon: number) => void,
): Tensor1D {
  if (epsilon instanceof Tensor) return epsilon;
  const radii = typeof epsilon === 'number' ? [epsilon] : [...epsilon];
  for (const radius of radii) assert(radius);
  return tensor1d(radii);
}

/** A threat model that can be made again with another radius, which copies of it with other methods can't. */
export const resizable = (
  threat: ThreatModel,
  withRadius: (radius: Tensor1D) => ThreatModel,
): ThreatModel => Object.defineProperty(threat, 'withRadius', { value: withRadius });

/**
 * Refuses an ε that can't be meant for images in [0, 1], as the radius of an ℓ∞ ball.
 *
 * @throws RangeError when it is negative, not a number, or above 1 (`8` where `8 / 255` is meant)
 */
export function assertEpsilon(epsilon: number): void {
  if (!(epsilon >= 0)) throw new RangeError(`ε must be a number from 0 to 1; got ${epsilon}.`);
  if (epsilon > 1) {
    throw new RangeError(
      `ε is ${epsilon}, but images are in [0, 1], where every perturbation is within 1. For ${epsilon} of 255 grey levels write ${epsilon} / 255 = ${(epsilon / 255).toFixed(4)}.`,
    );
  }
}

/**
 * Refuses an ε that can't be the radius of an ℓ2 ball. It may be above 1: the largest ℓ2 distance between
 * images in [0, 1] is √(h·w·c), 55.4 on CIFAR-10.
 *
 * @throws RangeError when it is negative or not finite
 */
export function assertL2Epsilon(epsilon: number): void {
  if (!(epsilon >= 0 && epsilon < Infinity)) {
    throw new RangeError(
      `The radius of an ℓ2 ball must be a finite number, 0 or above; got ${epsilon}.`,
    );
  }
}
