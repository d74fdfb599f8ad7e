/** A share of examples, with how sure one can be of it. */
export interface Accuracy {
  correct: number;
  total: number;
  /** correct / total */
  value: number;
  /** The 95 % Wilson score interval of the share. */
  interval: readonly [low: number, high: number];
}

// The standard normal distribution's 97.5 % quantile.
const z = 1.959963984540054;

/**
 * An accuracy with its 95 % interval (Wilson 1927), which, unlike the normal approximation, also holds near 0 and 1 and
 * for few examples.
 *
 * @throws RangeError unless both are whole numbers, 0 ≤ correct ≤ total and total > 0
 */
export function accuracyOf(correct: number, total: number): Accuracy {
  const counts = Number.isInteger(correct) && Number.isInteger(total);
  if (!counts || correct < 0 || correct > total || total < 1) {
    throw new RangeError(`An accuracy of ${correct} correct out of ${total} makes no sense.`);
  }
  const value = correct / total;
  const centre = (value + z ** 2 / (2 * total)) / (1 + z ** 2 / total);
  const half =
    (z * Math.sqrt((value * (1 - value)) / total + z ** 2 / (4 * total ** 2))) /
    (1 + z ** 2 / total);
  // At the ends rounding would leave the interval a hair off the value.
  const low = correct === 0 ? 0 : centre - half;
  const high = correct === total ? 1 : centre + half;
  return { correct, total, value, interval: [low, high] };
}
