import { accuracyOf } from '@llr/attacks';

/** "37 of 120 (30.8 %)" */
export const share = (count: number, total: number): string =>
  `${count} of ${total} (${percent(count / total)})`;

/** "30.8 %" */
export const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** Whether a share is surely below a bound: the whole of its 95 % interval is. */
export const surelyBelow = (count: number, total: number, bound: number): boolean =>
  accuracyOf(count, total).interval[1] < bound;

/** Whether a share is surely above a bound: the whole of its 95 % interval is. */
export const surelyAbove = (count: number, total: number, bound: number): boolean =>
  accuracyOf(count, total).interval[0] > bound;

/**
 * Whether one of two attacks on the same examples is surely the stronger, by those that only one of them broke (McNemar 1947).
 * Three standard errors, because a curve has several such pairs to compare.
 *
 * @param ahead - how many only the first broke
 * @param behind - how many only the second broke
 */
export const surelyAhead = (ahead: number, behind: number): boolean =>
  ahead - behind > 3 * Math.sqrt(ahead + behind);

/** Said of what passes only because the examples are few. */
export const mayBeChance = 'that would fail, but of so few examples it may be chance';
