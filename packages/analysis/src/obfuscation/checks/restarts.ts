import { brokenBy, type Check } from '../evidence.ts';
import { restartsUntilBroken } from '../restarts-until-broken.ts';
import { mayBeChance, share, surelyAbove } from '../statistics.ts';

/** Of what all restarts break. Ten bring adversarially trained networks about 1 point of 40 (2 %); Mosbach et al. 2018 found 15 and more at masked ones. */
const mostGain = 0.1;

/**
 * How much depends on where an attack starts: where gradients lead the way, the first start finds what there is (Mosbach et al.
 * 2018, "Logit pairing methods can fool gradient-based attacks").
 */
export const restartsCheck: Check = ({ evaluation, attacks: { restarts } }) => {
  const reason = { check: 'restarts', weight: 'suspicious' } as const;
  const all = brokenBy(evaluation, restarts.name).size;
  if (all === 0) {
    return { ...reason, outcome: 'not run', text: 'No start breaks any example.' };
  }
  const later = restartsUntilBroken(evaluation, restarts.name).filter(
    (needed) => needed > 1,
  ).length;
  const failed = surelyAbove(later, all, mostGain);
  const seen = `Of the examples that some random start breaks, ${share(later, all)} needed more than the first`;
  return {
    ...reason,
    outcome: failed ? 'failed' : 'passed',
    text: failed
      ? `${seen}: the loss is so rugged that it depends on luck where an attack ends. Still more starts would break more.`
      : `${seen}: ${later > mostGain * all ? mayBeChance : 'the gradient leads there from anywhere'}.`,
  };
};
