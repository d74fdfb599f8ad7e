import { div, maximum, mul, pow, type Tensor1D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { ThreatModel } from '../contracts/threat-model.ts';
import { l2Direction, l2Norm } from '../l2-norm.ts';
import { overImages } from '../per-example.ts';
import { intoBox } from './into-box.ts';
import { asRadius, assertL2Epsilon, resizable } from './radius.ts';

/**
 * ‖δ‖₂ ≤ ε and x + δ in [0, 1].
 *
 * `project` scales δ onto the ball, then clips x + δ to the box and stores the difference. The result is
 * always allowed: x is in the box itself, so clipping brings no pixel further from it and the norm only
 * shrinks. But it is not the nearest point of ball and box in general, as two projections one after the
 * other aren't. ‖δ‖₂ ≤ ε(1 + 1e-6), but for the rounding of x + δ to float32, 6e-8 a pixel.
 *
 * `start` is uniform in the ball (a uniform direction, and a radius of ε·u^(1/n) for n = h·w·c), then
 * clipped to the box.
 *
 * @param epsilon - the radius in pixel units, summed over all pixels and channels (`0.5` or `128 / 255` on
 *   CIFAR-10), one for all or one per example; a tensor of it stays the caller's. From √n on, the ball
 *   holds the whole box: beware of a radius in grey levels
 * @throws RangeError for a radius that is negative or not finite
 */
export function l2Ball(epsilon: number | readonly number[] | Tensor1D): ThreatModel {
  const radius = asRadius(epsilon, assertL2Epsilon);
  const project = (perturbation: Tensor4D, images: Tensor4D): Tensor4D =>
    tidy(() => intoBox(ontoBall(perturbation, radius), perturbation, images));
  const threat: ThreatModel = {
    name: 'l2',
    radius,
    project,
    start: (images, random) =>
      tidy(() => {
        const [batch, ...pixels] = images.shape;
        const direction = l2Direction(random.fork('direction').normal(images.shape) as Tensor4D);
        const volume = random.fork('radius').uniform([batch]);
        const share = pow(volume, 1 / pixels.reduce((product, n) => product * n, 1));
        return project(mul(direction, overImages(mul(radius, share))), images);
      }),
    steepest: l2Direction,
    size: l2Norm,
  };
  return resizable(threat, l2Ball);
}

function ontoBall(perturbation: Tensor4D, radius: Tensor1D): Tensor4D {
  // A hair inside, so that the rounding of the norm doesn't put it outside.
  const inside = mul(radius, 1 - 5e-7);
  const scale = div(inside, maximum(maximum(l2Norm(perturbation), inside), 1e-30));
  return mul(perturbation, overImages(scale));
}
