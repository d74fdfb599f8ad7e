import {
  add,
  div,
  mul,
  step,
  sub,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { margin, targetedMargin } from './margin.ts';
import { assertClasses, largestLogits } from './order-statistics.ts';

/**
 * The difference of logits ratio, DLR = −(z_y − max_{i≠y} z_i) / (z_π1 − z_π3) with z_π1 ≥ z_π2 ≥ … (Croce &
 * Hein 2020, Eq. 6): the margin, in a scale that multiplying or shifting the logits doesn't change. From −1 to
 * 1 where y is among the three largest (1, and flat, where it is the third); positive where the prediction is wrong.
 *
 * Where the three largest logits are equal (within 1e-12), the denominator is taken as 1 and the value is the
 * margin. (The authors' code adds 1e-12 to every denominator.)
 *
 * @param logits - `[b, classes]`, 3 classes or more
 * @param labels - `[b]`, int32
 * @returns `[b]`; NaN for an example whose label is not a class
 * @throws RangeError where the shapes don't match, for soft labels, or for fewer than 3 classes
 */
export function differenceOfLogitsRatio(logits: Tensor2D, labels: Tensor1D): Tensor1D {
  return tidy(() => {
    const difference = margin(logits, labels);
    assertClasses('differenceOfLogitsRatio', logits, 3);
    const [first, , third] = largestLogits(logits, 3);
    return ratio(difference, sub(first!, third!));
  });
}

/**
 * The targeted difference of logits ratio, −(z_y − z_t) / (z_π1 − ½(z_π3 + z_π4)) (Croce & Hein 2020, Eq. 7).
 * A denominator of 0 (1e-12 or less) is taken as 1.
 *
 * @param logits - `[b, classes]`, 4 classes or more
 * @param labels - `[b]`, int32
 * @param targets - `[b]`, int32
 * @returns `[b]`; 0 where the target is the label; NaN where one of them is not a class
 * @throws RangeError where the shapes don't match, for soft labels, or for fewer than 4 classes
 */
export function targetedDifferenceOfLogitsRatio(
  logits: Tensor2D,
  labels: Tensor1D,
  targets: Tensor1D,
): Tensor1D {
  return tidy(() => {
    const difference = targetedMargin(logits, labels, targets);
    assertClasses('targetedDifferenceOfLogitsRatio', logits, 4);
    const [first, , third, fourth] = largestLogits(logits, 4);
    return ratio(difference, sub(first!, mul(0.5, add(third!, fourth!))));
  });
}

/** The denominator is never below 0; where it is 0, it becomes 1. */
const ratio = (numerator: Tensor1D, denominator: Tensor1D): Tensor1D =>
  div(numerator, add(denominator, sub(1, step(sub(denominator, 1e-12)))));
