import {
  argMax,
  cast,
  mul,
  oneHot,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';

/**
 * The largest logits of each example, largest first, each `[b]`, by the class that has them: differentiable
 * (tfjs's `topk` isn't), and where classes tie, each of them is counted once and the first has the gradient.
 */
export function largestLogits(logits: Tensor2D, count: number): Tensor1D[] {
  let left = logits;
  return Array.from({ length: count }, () => {
    const mask = cast(oneHot(argMax(left, 1), logits.shape[1]), 'float32') as Tensor2D;
    left = without(left, mask);
    return sum(mul(mask, logits), 1);
  });
}

/** The logits, with those of the classes marked by 1 below all others. */
export const without = (logits: Tensor2D, mask: Tensor2D): Tensor2D => sub(logits, mul(mask, 1e30));

/** @throws RangeError when there are fewer classes than a loss compares */
export function assertClasses(loss: string, logits: Tensor2D, least: number): void {
  if (logits.shape[1] < least) {
    throw new RangeError(`${loss} compares ${least} classes; the logits have ${logits.shape[1]}.`);
  }
}
