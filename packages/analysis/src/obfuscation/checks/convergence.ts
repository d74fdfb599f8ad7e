import { brokenBy, type Check, correctOnes, without } from '../evidence.ts';
import { mayBeChance, share, surelyAbove } from '../statistics.ts';

/** Of the correctly classified examples. From 100 to 200 steps, published adversarially trained networks lose some tenths of a point. */
const leastGain = 0.02;

/**
 * Whether the attack has converged (Carlini et al. 2019): the last addition of steps may not break much more, else still more
 * steps would.
 */
export const convergenceCheck: Check = ({ evaluation, attacks: { bySteps } }) => {
  const [before, last] = bySteps.slice(-2);
  const [fewer, more] = [before!, last!].map(({ attack }) => brokenBy(evaluation, attack.name));
  const gained = without(more!, fewer!) - without(fewer!, more!);
  const total = correctOnes(evaluation).length;
  const failed = gained > 0 && surelyAbove(gained, total, leastGain);
  const seen = `From ${before!.steps} to ${last!.steps} steps, the attack breaks ${gained > 0 ? share(gained, total) : 'no'} more of the correctly classified examples`;
  return {
    check: 'convergence',
    weight: 'suspicious',
    outcome: failed ? 'failed' : 'passed',
    text: failed
      ? `${seen}: it has not converged, and more steps would break more. The way to what breaks an image is long and winding; the worst case is lower than what was found.`
      : `${seen}: ${gained > leastGain * total ? mayBeChance : 'it has converged'}.`,
  };
};
