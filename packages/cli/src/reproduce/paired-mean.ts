import { randomSource } from '@llr/core';
import type { Finding } from './claims.ts';
import { aboveZero } from './claims.ts';

// The standard normal distribution's 97.5 % quantile.
const z = 1.959963984540054;

/**
 * Whether a quantity is larger for the first network than for the second, of each the values on the same images: by the
 * 95 % interval of the mean difference.
 *
 * @param what - for the sentence
 */
export function larger(
  first: { name: string; values: readonly number[] },
  second: { name: string; values: readonly number[] },
  what: string,
): Finding {
  const differences = first.values.map((value, i) => value - second.values[i]!);
  const n = differences.length;
  const centre = mean(differences);
  const variance = mean(differences.map((each) => (each - centre) ** 2)) * (n / Math.max(1, n - 1));
  const half = z * Math.sqrt(variance / n);
  return {
    // One or two images say nothing.
    outcome: n < 3 ? 'undecided' : aboveZero([centre - half, centre + half]),
    evidence: `${what}: ${first.name} ${short(mean(first.values))}, ${second.name} ${short(mean(second.values))} on average over the same ${n} images; difference ${short(centre)}, 95 % interval ${short(centre - half)} to ${short(centre + half)}`,
  };
}

/** The distance of two distributions given by as many values: the mean distance of the i-th smallest (Wasserstein-1). */
export function distance(first: readonly number[], second: readonly number[]): number {
  const [a, b] = [first, second].map((values) => values.toSorted((x, y) => x - y));
  return mean(a!.map((value, i) => Math.abs(value - b![i]!)));
}

const resamples = 1000;

/**
 * Whether a network's distribution is nearer to a model's than another's is: by the interval that holds 95 % of the
 * differences of distances when the images are drawn anew, with replacement.
 */
export function nearer(
  near: { name: string; values: readonly number[] },
  far: { name: string; values: readonly number[] },
  model: { name: string; values: readonly number[] },
  what: string,
): Finding {
  const n = model.values.length;
  const gap = (rows: ArrayLike<number>) => {
    const [a, b, c] = [far, near, model].map(({ values }) =>
      Array.from(rows, (row) => values[row]!),
    );
    return distance(a!, c!) - distance(b!, c!);
  };
  const random = randomSource(0).fork('bootstrap');
  const drawn = Array.from({ length: resamples }, (_, i) =>
    gap(random.forExamples([i]).integers([1, n], n)),
  ).sort((x, y) => x - y);
  const interval = [
    drawn[Math.floor(0.025 * resamples)]!,
    drawn[Math.floor(0.975 * resamples)]!,
  ] as const;
  return {
    outcome: aboveZero(interval),
    evidence: `mean distance of ${what} from ${model.name}'s: ${near.name} ${short(distance(near.values, model.values))}, ${far.name} ${short(distance(far.values, model.values))}; difference 95 % interval ${short(interval[0])} to ${short(interval[1])} (images drawn anew ${resamples} times)`,
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0) / values.length;

const short = (value: number): string => value.toPrecision(3).replace('-', '−');
