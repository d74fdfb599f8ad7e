import type { RandomSource, Run } from '@llr/core';

/**
 * The wrong classes of an example from the likeliest to the least likely, by its logits; the first of equal ones first.
 */
export function wrongClasses(logits: ArrayLike<number>, label: number): Int32Array {
  const classes = Int32Array.from(logits, (_, i) => i).filter((i) => i !== label);
  return classes.sort((a, b) => logits[b]! - logits[a]! || a - b);
}

/** The class that a run aims at. */
export function targetOf(
  { target }: Run,
  wrong: Int32Array,
  /** The run's own, bound to the one example. */
  random: () => RandomSource,
): number | undefined {
  if (target === undefined) return undefined;
  const rank =
    target === 'random' ? random().fork('target').integers([1], wrong.length)[0]! : target;
  const found = wrong[rank];
  if (found === undefined) {
    throw new RangeError(
      `A run aims at the wrong class with rank ${rank}, but there are ${wrong.length}.`,
    );
  }
  return found;
}

/** What the random numbers of a run's row depend on, beside the attack and the example. */
export const purposeOf = ({ restart, target }: Run): (string | number)[] => [
  'restart',
  restart,
  ...(typeof target === 'number' ? ['target', target] : []),
];
