import type { Problem } from '@llr/core';
import { div, maximum, mul, reshape, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';

/**
 * Where APGD starts, as in the authors' code: on the sphere of radius ε, in a random direction (uniform numbers for ℓ∞,
 * normal ones otherwise), and then into the box.
 */
export function sphereStart({ images, random, threat }: Problem): Tensor4D {
  const source = random.fork('start');
  const drawn =
    threat.name === 'linf' ? source.uniform(images.shape, -1, 1) : source.normal(images.shape);
  const direction = drawn as Tensor4D;
  const size = maximum(threat.size(direction), 1e-12);
  return threat.project(mul(direction, overImages(div(threat.radius, size))), images);
}

/** One number for all examples or for each, shaped to multiply a batch of images. */
export const overImages = (perExample: Tensor): Tensor4D => reshape(perExample, [-1, 1, 1, 1]);
