import { brokenBy, type Check } from '../evidence.ts';
import { mayBeChance, share, surelyBelow } from '../statistics.ts';

const leastBroken = 10;

/**
 * Whether attacks on cross-entropy do what attacks on the logit margin do, with the same steps. Where logits are so large that
 * the softmax saturates, cross-entropy is flat and attacks on it stand still (Carlini & Wagner 2017, on defensive distillation).
 * Published honest networks lose about 90 % of it to cross-entropy too (ADV 37 of 40 points, TRADES 28 of 32): below three
 * quarters is suspicious, below a half masked.
 */
export const lossesCheck: Check = ({ evaluation, attacks: { crossEntropy, usual } }) => {
  const onMargin = brokenBy(evaluation, usual.name);
  const all = onMargin.size;
  if (all < leastBroken) {
    const text = `The attack on the margin broke ${all} examples, too few to compare losses by.`;
    return { check: 'losses', weight: 'masked', outcome: 'not run', text };
  }
  const onCrossEntropy = brokenBy(evaluation, crossEntropy.name);
  const both = [...onMargin].filter((index) => onCrossEntropy.has(index)).length;
  const masked = surelyBelow(both, all, 1 / 2);
  const failed = surelyBelow(both, all, 3 / 4);
  const seen = `Of the examples that an attack on the logit margin breaks (${usual.name}), the same steps on cross-entropy (${crossEntropy.name}) break ${share(both, all)}`;
  return {
    check: 'losses',
    weight: failed && !masked ? 'suspicious' : 'masked',
    outcome: failed ? 'failed' : 'passed',
    text: failed
      ? `${seen}: cross-entropy is flat or misleads, as where logits saturate the softmax. Accuracy under attacks on cross-entropy is not real.`
      : `${seen}: ${both < (3 / 4) * all ? mayBeChance : "it doesn't depend on the loss"}.`,
  };
};
