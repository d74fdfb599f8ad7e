import { memory } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { randomSource } from '../src/index.ts';
import { perExample } from './networks.ts';

const count = 40_000;
const drawn = Array.from(randomSource(5).forExamples([0]).normal([1, count]).dataSync());

/** P(z ≤ x), by Abramowitz & Stegun 7.1.26 (good to 1.5e-7). */
function normalDistribution(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const series =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - series * Math.exp(-(x * x) / 2);
  return x >= 0 ? (1 + erf) / 2 : (1 - erf) / 2;
}

test('is distributed as a standard normal (Kolmogorov–Smirnov)', () => {
  const sorted = [...drawn].sort((a, b) => a - b);
  const distance = Math.max(
    ...sorted.map((x, i) => Math.abs((i + 0.5) / count - normalDistribution(x))),
  );
  // Above 1.95 / √n once in a thousand seeds.
  expect(distance).toBeLessThan(1.95 / Math.sqrt(count));
  expect(drawn.every(Number.isFinite)).toBe(true);
});

test('has the moments 0, 1, 0, 3, and neighbours that do not correlate', () => {
  const mean = (f: (z: number, i: number) => number) =>
    drawn.reduce((total, z, i) => total + f(z, i), 0) / count;
  // Four standard errors each.
  const near = (found: number, wanted: number, variance: number) =>
    expect(Math.abs(found - wanted)).toBeLessThan(4 * Math.sqrt(variance / count));
  near(
    mean((z) => z),
    0,
    1,
  );
  near(
    mean((z) => z ** 2),
    1,
    2,
  );
  near(
    mean((z) => z ** 3),
    0,
    15,
  );
  near(
    mean((z) => z ** 4),
    3,
    96,
  );
  near(
    mean((z, i) => z * drawn[(i + 1) % count]!),
    0,
    1,
  );
});

test('is the example’s own, in any batch, and leaves only itself behind', () => {
  const random = randomSource(3).fork('noise');
  const before = memory().numTensors;
  const together = random.forExamples([7, 2, 9]).normal([3, 3, 3]);
  expect(memory().numTensors).toBe(before + 1);
  [7, 2, 9].forEach((index, row) => {
    const alone = random.forExamples([index]).normal([1, 3, 3]);
    expect(perExample(alone)[0]).toEqual(perExample(together)[row]);
  });
  expect(() => random.forExamples([1, 2]).normal([3, 2])).toThrow('2 examples');
});
