import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * Refuses a tensor that would silently be broadcast to the shape of another.
 *
 * @throws RangeError that names both
 */
export function assertSameShape(name: string, tensor: Tensor, like: string, other: Tensor): void {
  const [shape, wanted] = [tensor, other].map((t) => `[${t.shape.join(', ')}]`);
  if (shape !== wanted) {
    throw new RangeError(`${name} must be shaped like ${like}, ${wanted}; got ${shape}.`);
  }
}
