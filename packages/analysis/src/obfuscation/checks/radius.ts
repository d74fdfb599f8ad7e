import type { Evaluation } from '@llr/attacks';
import { brokenBy, type Check, correctOnes, type Evidence, without } from '../evidence.ts';
import { percent, share, surelyAbove, surelyAhead } from '../statistics.ts';

/**
 * Robust accuracy must fall as ε grows, and to no more than chance where every image may become any other (Athalye et al. 2018:
 * "unbounded attacks do not reach 100 % success", "increasing distortion bound does not increase success"). Chance is the share
 * of the commonest class: from half grey on all images can become the same one, of which at most that class is right.
 */
export const radiusCheck: Check = (evidence) => {
  const { byEpsilon, grey } = evidence;
  const reason = { check: 'radius', weight: 'masked' } as const;
  const rise = rising(evidence);
  if (rise) return { ...reason, outcome: 'failed', text: rise };
  const { epsilon, evaluation } = byEpsilon.at(-1)!;
  if (grey === null || epsilon < grey) {
    const text = `From which ε on accuracy must be gone isn't known for the threat model ${evaluation.threat.name}.`;
    return { ...reason, outcome: 'not run', text };
  }
  const { correct, total } = evaluation.robust;
  const chance = shareOfCommonest(evaluation);
  const failed = surelyAbove(correct, total, chance);
  const seen = `At ε = ${figure(epsilon)}, where every image may become any other, ${share(correct, total)} are left`;
  return {
    ...reason,
    outcome: failed ? 'failed' : 'passed',
    text: failed
      ? `${seen}. No network can be right about more than the commonest class there (${percent(chance)}): the attack doesn't find what is certainly there.`
      : `${seen}, and accuracy never rises with ε.`,
  };
};

function rising({ byEpsilon, attacks: { usual } }: Evidence): string | undefined {
  for (const [i, larger] of byEpsilon.entries()) {
    const smaller = byEpsilon[i - 1];
    if (!smaller) continue;
    const [before, now] = [smaller, larger].map(({ evaluation }) =>
      brokenBy(evaluation, usual.name),
    );
    const [lost, gained] = [without(before!, now!), without(now!, before!)];
    if (!surelyAhead(lost, gained)) continue;
    return `At ε = ${figure(smaller.epsilon)} ${usual.name} breaks ${share(before!.size, correctOnes(smaller.evaluation).length)} of the correctly classified examples, at ε = ${figure(larger.epsilon)} only ${now!.size}. The larger ball holds the smaller one, so the attack is led astray.`;
  }
  return undefined;
}

function shareOfCommonest({ examples }: Evaluation): number {
  const counts = new Map<number, number>();
  for (const { label } of examples) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(...counts.values()) / examples.length;
}

const figure = (value: number): string => String(Number(value.toPrecision(3)));
