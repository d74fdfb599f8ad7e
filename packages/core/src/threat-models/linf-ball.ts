import {
  abs,
  clipByValue,
  div,
  max,
  maximum,
  mul,
  sign,
  type Tensor1D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import type { ThreatModel } from '../contracts/threat-model.ts';
import { overImages } from '../per-example.ts';
import { intoBox } from './into-box.ts';
import { asRadius, assertEpsilon, resizable } from './radius.ts';

/**
 * ‖δ‖∞ ≤ ε and x + δ in [0, 1].
 *
 * @param epsilon - the radius in pixel units (`8 / 255`), one for all or one per example; a tensor of it
 *   stays the caller's
 * @throws RangeError for a radius below 0 or above 1
 */
export function linfBall(epsilon: number | readonly number[] | Tensor1D): ThreatModel {
  const radius = asRadius(epsilon, assertEpsilon);
  const project = (perturbation: Tensor4D, images: Tensor4D): Tensor4D =>
    tidy(() => intoBox(ontoBall(perturbation, radius), perturbation, images));
  const threat: ThreatModel = {
    name: 'linf',
    radius,
    project,
    start: (images, random) =>
      tidy(() => {
        const inUnitBall = random.uniform(images.shape, -1, 1);
        return project(mul(inUnitBall, overImages(radius)), images);
      }),
    steepest: sign,
    size: (perturbation) => tidy(() => max(abs(perturbation), [1, 2, 3])),
  };
  return resizable(threat, linfBall);
}

function ontoBall(perturbation: Tensor4D, radius: Tensor1D): Tensor4D {
  // clipByValue takes plain numbers only, so the ball is scaled to 1 and back; a radius of 0 gives 0.
  const bound = overImages(radius);
  const inverse = div(1, maximum(bound, 1e-30));
  return mul(clipByValue(mul(perturbation, inverse), -1, 1), bound);
}
