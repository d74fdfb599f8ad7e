import { brokenBy, type Check, without } from '../evidence.ts';
import { share, surelyAbove } from '../statistics.ts';

/** AutoAttack flags from 0.2 % on; one example may be chance. */
const leastShare = 0.002;
const leastExamples = 2;
/** From here on, it is no longer a matter of a few more steps. */
const maskedShare = 0.02;

/**
 * Whether attacks that don't see gradients, Square and those transferred from another network, break what all white-box attacks
 * together left, though those know more (Athalye et al. 2018; Carlini et al. 2019).
 */
export const blackBoxCheck: Check = ({ evaluation, attacks: { blackBox } }) => {
  const { examples } = evaluation;
  const whiteBox = new Set(
    evaluation.attacks
      .filter(({ access }) => access === 'white-box')
      .flatMap(({ name }) => [...brokenBy(evaluation, name)]),
  );
  const alone = blackBox
    .map(({ name }) => ({ name, count: without(brokenBy(evaluation, name), whiteBox) }))
    .sort((a, b) => b.count - a.count)[0]!;
  const total = examples.length;
  const failed = alone.count >= leastExamples && alone.count > leastShare * total;
  const masked = failed && surelyAbove(alone.count, total, maskedShare);
  const names = blackBox.map(({ name }) => name).join(' and ');
  return {
    check: 'black box',
    weight: failed && !masked ? 'suspicious' : 'masked',
    outcome: failed ? 'failed' : 'passed',
    text: failed
      ? `${alone.name}, which sees no gradients of this network, broke ${share(alone.count, total)} that no white-box attack broke. Those know more and should break more: their gradients mislead.`
      : `${names}, without gradients of this network, broke ${alone.count === 0 ? 'nothing' : 'one example'} that white-box attacks left; those broke ${share(whiteBox.size, total)}.`,
  };
};
