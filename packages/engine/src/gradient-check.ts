import { add, mul, norm, randomNormal, sub, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { inputGradient } from './input-gradient.ts';

/** How far gradients are from central differences, relative to the larger of the two. */
export interface GradientErrors {
  first: number;
  second: number;
}

/**
 * Compares the first and second derivative of f at x, each along a random direction, with central finite
 * differences. In float32 a right gradient of a smooth function gives errors below about 1e-2.
 *
 * @param f - any differentiable function of one tensor
 * @param x - where to check, any shape; away from kinks
 * @param options - `step` of the differences (default 1e-2) and `seed` of the random directions
 * @returns relative errors of the first and second order; NaN derivatives give NaN
 * @throws when f, or its gradient, uses an op that has no gradient
 */
export function gradientCheck(
  f: (x: Tensor) => Tensor,
  x: Tensor,
  { step = 1e-2, seed = 1 }: { step?: number; seed?: number } = {},
): GradientErrors {
  return tidy(() => {
    const direction = randomNormal(x.shape, 0, 1, 'float32', seed);
    const weights = randomNormal(f(x).shape, 0, 1, 'float32', seed + 1);
    const scalar = (at: Tensor) => sum(mul(weights, f(at)));
    // The 0 keeps a linear f, whose slope doesn't depend on x, differentiable.
    const slope = (at: Tensor) => add(sum(mul(direction, gradientOf(scalar, at))), mul(sum(at), 0));
    const difference = (g: (at: Tensor) => Tensor) =>
      mul(sub(g(add(x, mul(direction, step))), g(sub(x, mul(direction, step)))), 1 / (2 * step));
    return {
      first: relativeError(slope(x), difference(scalar)),
      second: relativeError(sum(mul(direction, gradientOf(slope, x))), difference(slope)),
    };
  });
}

const gradientOf = (f: (x: Tensor) => Tensor, x: Tensor) =>
  inputGradient((at: Tensor) => ({ value: f(at) }), x).gradient;

function relativeError(a: Tensor, b: Tensor): number {
  const scale = Math.max(norm(a).dataSync()[0]!, norm(b).dataSync()[0]!, 1e-2);
  return norm(sub(a, b)).dataSync()[0]! / scale;
}
