import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomSource } from '../src/index.ts';
import { threefry2x32 } from '../src/threefry.ts';
import { perExample } from './networks.ts';

const index = fc.integer({ min: 0, max: 2 ** 31 });
const seed = fc.maxSafeInteger();

describe('what an example draws', () => {
  test('depends on its index alone: not on the batch, the order, or earlier draws', () => {
    fc.assert(
      fc.property(seed, fc.uniqueArray(index, { minLength: 1, maxLength: 8 }), (of, indices) => {
        const source = randomSource(of).fork('start');
        const together = source.forExamples(indices);
        together.integers([indices.length, 5], 9);
        const drawn = perExample(together.uniform([indices.length, 3, 2], -1, 1));
        const whole = Array.from(together.integers([indices.length, 3], 1000));
        indices.forEach((one, row) => {
          const alone = source.forExamples([one]);
          expect(Array.from(alone.uniform([1, 3, 2], -1, 1).dataSync())).toEqual(drawn[row]);
          expect(Array.from(alone.integers([1, 3], 1000))).toEqual(
            whole.slice(row * 3, row * 3 + 3),
          );
        });
        const backwards = source.forExamples([...indices].reverse());
        expect(perExample(backwards.uniform([indices.length, 3, 2], -1, 1))).toEqual(
          [...drawn].reverse(),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('does not depend on whether the source is bound before or after it is forked', () => {
    const before = randomSource(3).forExamples([4, 9]).fork('a', 1);
    const after = randomSource(3).fork('a', 1).forExamples([4, 9]);
    expect(before.integers([2, 5], 100)).toEqual(after.integers([2, 5], 100));
  });

  test('is Threefry, keyed by the seed and counted by (example, element)', () => {
    const words = new Uint32Array(2);
    threefry2x32(42, 0, 7, 2, words);
    const drawn = randomSource(42)
      .forExamples([7])
      .integers([1, 4], 2 ** 32);
    expect([drawn[2]! >>> 0, drawn[3]! >>> 0]).toEqual([...words]);
  });

  test('differs between examples, purposes and seeds', () => {
    const draws = [
      randomSource(1).forExamples([0]),
      randomSource(1).forExamples([1]),
      randomSource(2).forExamples([0]),
      randomSource(-1).forExamples([0]),
      randomSource(1 + 2 ** 32).forExamples([0]),
      ...[['a'], ['b'], ['a', 'b'], ['b', 'a'], ['ab'], [0], [1], [0, 1], [1, 0], ['a', 0]].map(
        (purpose) =>
          randomSource(1)
            .fork(...purpose)
            .forExamples([0]),
      ),
    ].map((source) => source.integers([1, 4], 2 ** 31).join());
    expect(new Set(draws).size).toBe(draws.length);
  });
});

describe('purposes of rows', () => {
  const source = randomSource(3).fork('attack');
  const purposes = [['restart', 0], ['restart', 1], ['restart', 1, 'target', 2], []];

  test('give each row the numbers of the source forked by its own', () => {
    const together = source.forExamples([5, 5, 8, 8], purposes).fork('start', 1);
    const drawn = perExample(together.uniform([4, 3]));
    const normal = perExample(together.normal([4, 3]));
    purposes.forEach((purpose, row) => {
      const alone = source
        .fork(...purpose)
        .fork('start', 1)
        .forExamples([[5, 5, 8, 8][row]!]);
      expect(drawn[row]).toEqual(perExample(alone.uniform([1, 3]))[0]);
      expect(normal[row]).toEqual(perExample(alone.normal([1, 3]))[0]);
    });
    expect(new Set(drawn.map(String)).size).toBe(4);
  });

  test('are bound with their examples', () => {
    const bound = source.forExamples([1, 2], [['a'], ['b']]);
    expect(() => bound.forExamples([3, 4])).toThrow('bound to their examples');
  });
});

describe('the numbers', () => {
  const indices = Array.from({ length: 100 }, (_, i) => i);
  const many = randomSource(5).forExamples(indices);

  test('are uniform in [low, high)', () => {
    const drawn = Array.from(many.uniform([100, 400], -1, 1).dataSync());
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...drawn)).toBeLessThan(1);
    const counts = new Array(20).fill(0);
    for (const value of drawn) counts[Math.floor((value + 1) * 10)]++;
    // χ² with 19 degrees of freedom: above 43.8 once in 1,000.
    const chiSquare = counts.reduce((sum, n) => sum + (n - 2000) ** 2 / 2000, 0);
    expect(chiSquare).toBeLessThan(43.8);
  });

  test('are uniform whole numbers below the bound', () => {
    const counts = new Array(10).fill(0);
    for (const value of many.integers([100, 200], 10)) counts[value]++;
    expect(counts).toHaveLength(10);
    // χ² with 9 degrees of freedom: above 27.9 once in 1,000.
    expect(counts.reduce((sum, n) => sum + (n - 2000) ** 2 / 2000, 0)).toBeLessThan(27.9);
  });

  test('are uncorrelated between neighbouring examples', () => {
    const drawn = perExample(many.uniform([100, 400], -1, 1));
    let sum = 0;
    for (let i = 1; i < 100; i++) {
      sum += drawn[i]!.reduce((products, x, j) => products + x * drawn[i - 1]![j]!, 0);
    }
    // Each product has variance 1/9; 4 standard deviations of the mean.
    expect(Math.abs(sum / (99 * 400))).toBeLessThan((4 * (1 / 3)) / Math.sqrt(99 * 400));
  });
});

describe('what makes no sense is refused', () => {
  test('seeds and purposes that are not whole numbers', () => {
    for (const bad of [0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      expect(() => randomSource(bad)).toThrow(RangeError);
    }
    for (const bad of [0.1, -1, 2 ** 32, Number.NaN]) {
      expect(() => randomSource(0).fork('epoch', bad)).toThrow(RangeError);
    }
  });

  test('a shape for another number of examples', () => {
    const source = randomSource(0).forExamples([1, 2]);
    expect(() => source.uniform([3, 4])).toThrow('bound to 2 examples was asked for 3 rows');
    expect(() => randomSource(0).integers([1], 4)).toThrow('forExamples');
  });
});
