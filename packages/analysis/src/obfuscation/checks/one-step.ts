import { brokenBy, brokenByAny, type Check } from '../evidence.ts';
import { mayBeChance, share, surelyBelow } from '../statistics.ts';

/** Fewer are too few to tell shares apart. */
const leastBroken = 10;

/**
 * How much of what can be broken a single step along the gradient breaks. Where the loss is about linear that step is the best
 * there is; honest networks, robust or not, lose 70 to 80 % of it to FGSM (adversarially trained ones on CIFAR-10: 31 of 41
 * points, Madry et al. 2018; TRADES: 24 of 32). Below a half, the gradient at the image points away from what breaks it, which
 * is what training with one or two steps of PGD does (F.4; Wong et al. 2020, "catastrophic overfitting").
 */
export const oneStepCheck: Check = ({ evaluation, attacks }) => {
  const reason = { check: 'one step', weight: 'masked' } as const;
  const { name } = attacks.oneStep;
  const all = brokenByAny(evaluation).size;
  if (all < leastBroken) {
    const text = `All attacks together broke ${all} examples, too few to say what share of them a single step breaks.`;
    return { ...reason, outcome: 'not run', text };
  }
  const one = brokenBy(evaluation, name).size;
  const failed = surelyBelow(one, all, 1 / 2);
  const seen = `A single gradient step (${name}) breaks ${share(one, all)} of the examples that can be broken`;
  if (failed) {
    const text = `${seen}, fewer than half: at the images the gradient points away from what breaks them. Accuracy under few steps is no robustness here, as of networks trained with one or two steps.`;
    return { ...reason, outcome: 'failed', text };
  }
  const says = 'what the gradient says at the images is about what happens in the ball';
  return { ...reason, outcome: 'passed', text: `${seen}: ${one < all / 2 ? mayBeChance : says}.` };
};
