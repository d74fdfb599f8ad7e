import {
  abs,
  add,
  less,
  lessEqual,
  maximum,
  mul,
  sub,
  type Tensor1D,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import { assertSameShape } from '../same-shape.ts';

/** An inequality left ≤ right, checked for each example; each `[b]`. */
export interface BoundCheck {
  left: Tensor1D;
  right: Tensor1D;
  /** right − left. */
  slack: Tensor1D;
  /**
   * bool: whether left ≤ right, up to 1e-5 of the largest of the terms the two sides are made of (ℓ(x), ℓ(x+δ),
   * |δᵀ∇ₓℓ|, ½δᵀGδ): the rounding of float32. False where a side is not a number.
   */
  holds: Tensor1D;
}

/** The share of its terms by which an inequality may fail in float32. */
export const roundingShare = 1e-5;

/** `roundingShare` of the largest of these terms, `[b]`. */
export const rounding = (terms: Tensor1D[]): Tensor1D =>
  tidy(() =>
    mul(
      roundingShare,
      terms.map((term): Tensor1D => abs(term)).reduce((a, b) => maximum(a, b)),
    ),
  );

/** Compares two sides, whose terms say how exact they can be. */
export function compareSides(left: Tensor1D, right: Tensor1D, terms: Tensor1D[]): BoundCheck {
  return tidy(() => {
    const slack: Tensor1D = sub(right, left);
    const holds: Tensor1D = lessEqual(left, add(right, rounding(terms)));
    return { left, right, slack, holds };
  });
}

/**
 * The larger of a γ found by a search and g at this δ. γ is the maximum of g, so a search that found less than g
 * here has not found it.
 *
 * @throws RangeError when γ isn't `[b]`
 */
export function atLeast(gamma: Tensor1D | undefined, error: Tensor1D): Tensor1D {
  if (!gamma) return error;
  assertSameShape('gamma', gamma, 'the labels', error);
  // A γ that is not a number stays one.
  return tidy(() => where(less(gamma, error), error, gamma));
}
