import type { Accuracy, Evaluation } from '@llr/attacks';
import type { PublishedColumn } from '@llr/train';
import { outcomes } from './columns.ts';
import type { Claim, Outcome } from './findings.ts';
import { pairedDifference } from './paired.ts';

/** One part of a claim: whether it holds, and by what numbers. */
export interface Finding {
  outcome: Outcome;
  evidence: string;
}

/** A claim of the paper with all that it rests on: confirmed where every part is, not where one part is not. */
export function claimOf(claim: string, source: string, findings: readonly Finding[]): Claim {
  const has = (outcome: Outcome) => findings.some((each) => each.outcome === outcome);
  const outcome = (['not confirmed', 'undecided', 'for the eye'] as const).find(has) ?? 'confirmed';
  return { claim, source, outcome, evidence: findings.map(({ evidence }) => evidence).join('; ') };
}

/** A network by its name in a sentence. */
export interface Named {
  name: string;
  evaluation: Evaluation;
}

/** Whether the first network's share is above the second's: the 95 % interval of the paired difference decides. */
export function higher(first: Named, second: Named, column: PublishedColumn): Finding {
  const shares = [first, second].map(({ evaluation }) => outcomes(evaluation, column));
  const { value, interval, examples } = pairedDifference(shares[0]!, shares[1]!);
  const [low, high] = interval.map(points);
  return {
    outcome: aboveZero(interval),
    evidence: `${first.name} less ${second.name} (${column}): ${points(value)} points, 95 % interval ${low} to ${high}, on the same ${examples} images`,
  };
}

/** Whether a share is above a level. */
export function above(name: string, { value, interval }: Accuracy, level: number): Finding {
  return {
    outcome: aboveZero([interval[0] - level, interval[1] - level]),
    evidence: `${name} ${percent(value)} (95 % interval ${percent(interval[0])} to ${percent(interval[1])}), against ${percent(level)}`,
  };
}

/** Whether it is below. */
export function below(name: string, share: Accuracy, level: number): Finding {
  const { outcome, evidence } = above(name, share, level);
  return { outcome: opposite[outcome], evidence };
}

const opposite: Readonly<Record<Outcome, Outcome>> = {
  confirmed: 'not confirmed',
  'not confirmed': 'confirmed',
  undecided: 'undecided',
  'for the eye': 'for the eye',
};

/** What an interval says of a number's being above 0. */
export function aboveZero([low, high]: readonly [low: number, high: number]): Outcome {
  if (low > 0) return 'confirmed';
  return high < 0 ? 'not confirmed' : 'undecided';
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const points = (difference: number): string =>
  `${difference < 0 ? '−' : '+'}${Math.abs(100 * difference).toFixed(1)}`;
