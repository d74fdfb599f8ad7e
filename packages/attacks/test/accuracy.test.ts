import fc from 'fast-check';
import { expect, test } from 'vitest';
import { accuracyOf } from '../src/index.ts';

test.each([
  [8, 10, 0.4902, 0.9433],
  [0, 10, 0, 0.2775],
  [10, 10, 0.7225, 1],
  [50, 100, 0.4038, 0.5962],
])('%i of %i has the tabulated Wilson interval', (correct, total, low, high) => {
  const { value, interval } = accuracyOf(correct, total);
  expect(value).toBe(correct / total);
  expect(interval[0]).toBeCloseTo(low, 4);
  expect(interval[1]).toBeCloseTo(high, 4);
});

test('the interval is where the score test rejects at 5 %', () => {
  const counts = fc
    .integer({ min: 1, max: 100_000 })
    .chain((total) => fc.tuple(fc.integer({ min: 0, max: total }), fc.constant(total)));
  fc.assert(
    fc.property(counts, ([correct, total]) => {
      const { value, interval } = accuracyOf(correct, total);
      expect(interval[0]).toBeLessThanOrEqual(value);
      expect(interval[1]).toBeGreaterThanOrEqual(value);
      for (const end of interval) {
        if (end === 0 || end === 1) continue;
        const score = Math.abs(value - end) / Math.sqrt((end * (1 - end)) / total);
        expect(score).toBeCloseTo(1.959964, 5);
      }
    }),
  );
});

test.each([
  [1, 0],
  [-1, 3],
  [4, 3],
  [0.5, 3],
  [Number.NaN, 3],
])('%d of %d is refused', (correct, total) => {
  expect(() => accuracyOf(correct, total)).toThrow(RangeError);
});
