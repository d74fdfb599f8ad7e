import {
  add,
  mul,
  norm,
  randomNormal,
  stack,
  sub,
  sum,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { inputGradient } from './input-gradient.ts';

/** How far gradients are from central differences, relative to the larger of the two. */
export interface GradientErrors {
  first: number;
  second: number;
}

/** So many that their slopes are not all small by chance. */
const directions = 4;

/**
 * Compares the first and second derivative of f at x with central finite differences: the slopes of
 * φ(x) = ⟨w, f(x)⟩, w random, along four random directions v, and ∇⟨v, ∇φ⟩, all of it, with the difference of ∇φ
 * along the first of them. In float32 a right gradient of a smooth function gives errors below about 1e-2.
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
    const weights = randomNormal(f(x).shape, 0, 1, 'float32', seed);
    const along = Array.from({ length: directions }, (_, i) =>
      randomNormal(x.shape, 0, 1, 'float32', seed + 1 + i),
    );
    const value = (at: Tensor) => sum(mul(weights, f(at)));
    const gradient = (at: Tensor) => gradientOf(value, at);
    // The 0 keeps a linear f, whose slope doesn't depend on x, differentiable.
    const slope = (at: Tensor) => add(sum(mul(along[0]!, gradient(at))), mul(sum(at), 0));
    const difference = (g: (at: Tensor) => Tensor, direction: Tensor) =>
      mul(sub(g(add(x, mul(direction, step))), g(sub(x, mul(direction, step)))), 1 / (2 * step));
    const found = gradient(x);
    return {
      first: relativeError(
        stack(along.map((direction) => sum(mul(direction, found)))),
        stack(along.map((direction) => difference(value, direction))),
      ),
      second: relativeError(gradientOf(slope, x), difference(gradient, along[0]!)),
    };
  });
}

const gradientOf = (f: (x: Tensor) => Tensor, x: Tensor) =>
  inputGradient((at: Tensor) => ({ value: f(at) }), x).gradient;

function relativeError(a: Tensor, b: Tensor): number {
  const scale = Math.max(norm(a).dataSync()[0]!, norm(b).dataSync()[0]!, 1e-2);
  return norm(sub(a, b)).dataSync()[0]! / scale;
}
