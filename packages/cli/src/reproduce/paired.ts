/** How two networks differ on the same examples. */
export interface PairedDifference {
  /** Share of the first less that of the second. */
  value: number;
  interval: readonly [low: number, high: number];
  examples: number;
}

// The standard normal distribution's 97.5 % quantile.
const z = 1.959963984540054;

/**
 * The difference of two shares that are counted on the same examples, with its 95 % interval: what both agree on says
 * nothing, so it is narrower than those of the shares (Agresti and Min 2005: Wald's interval with half an example more
 * in each of the four cells).
 *
 * @throws RangeError for lists of different or no length
 */
export function pairedDifference(
  first: readonly boolean[],
  second: readonly boolean[],
): PairedDifference {
  const examples = first.length;
  if (examples === 0 || examples !== second.length) {
    throw new RangeError(
      `Two networks can be compared on the same examples only; these have ${examples} and ${second.length}.`,
    );
  }
  const firstAlone = first.filter((right, i) => right && !second[i]).length;
  const secondAlone = first.filter((right, i) => !right && second[i]).length;
  const n = examples + 2;
  const centre = (firstAlone - secondAlone) / n;
  const spread = Math.sqrt((firstAlone + secondAlone + 1) / n - centre ** 2);
  const half = (z * spread) / Math.sqrt(n);
  return {
    value: (firstAlone - secondAlone) / examples,
    interval: [centre - half, centre + half],
    examples,
  };
}
