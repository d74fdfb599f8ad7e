import { mul, sub, sum, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { labelMask } from './labels.ts';
import { assertClasses, largestLogits, without } from './order-statistics.ts';

/**
 * The logit margin of the strongest wrong class, max_{j ≠ y} z_j − z_y: positive where the prediction is
 * wrong. What the paper's Untargeted attack ascends.
 *
 * @param logits - `[b, classes]`
 * @param labels - `[b]`, int32
 * @returns `[b]`; NaN for an example whose label is not a class
 * @throws RangeError where the shapes don't match, for soft labels, or for a single class
 */
export function margin(logits: Tensor2D, labels: Tensor1D): Tensor1D {
  return tidy(() => {
    const mask = labelMask(labels, logits);
    assertClasses('margin', logits, 2);
    const [strongestWrong] = largestLogits(without(logits, mask), 1);
    return sub(strongestWrong!, sum(mul(mask, logits), 1));
  });
}

/**
 * The logit margin of one target class, z_t − z_y: what the paper's Random- and Multi-Targeted attacks
 * ascend.
 *
 * @param logits - `[b, classes]`
 * @param labels - `[b]`, int32
 * @param targets - `[b]`, int32
 * @returns `[b]`; 0 where the target is the label; NaN where one of them is not a class
 * @throws RangeError where the shapes don't match, or for soft labels
 */
export function targetedMargin(logits: Tensor2D, labels: Tensor1D, targets: Tensor1D): Tensor1D {
  return tidy(() =>
    sum(mul(sub(labelMask(targets, logits), labelMask(labels, logits)), logits), 1),
  );
}
