import { useEngine } from '@llr/engine/node';
import { memory, ones, type Tensor4D, tensor1d, tensor4d, zeros } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { l2Ball, randomSource } from '../src/index.ts';
import { ballExamples, clip, rounding } from './ball-examples.ts';
import { imagesOf, numbers, perExample, pixels } from './networks.ts';

const { example, examples } = ballExamples({
  changes: [0, -1e30, 1e30, 1e-30],
  radii: [0, 128 / 255, 0.5, 1, 3],
  largestRadius: 4,
});

/** The ℓ2 norm in float64. */
const norm = (x: ArrayLike<number>) => Math.hypot(...Array.from(x));
// Of the norm of all pixels.
const roundingOfNorm = (count: number) => (rounding / 2) * Math.sqrt(count);

describe.each(['wasm', 'cpu'] as const)('on %s', (engine) => {
  beforeAll(async () => {
    await useEngine({ prefer: engine });
  });
  afterAll(async () => {
    await useEngine();
  });

  describe('project', () => {
    test('is onto the ball, then into the box, with a radius for each example', () => {
      fc.assert(
        fc.property(examples, (rows) => {
          const images = imagesOf(rows.flatMap(({ image }) => image));
          const threat = l2Ball(rows.map(({ epsilon }) => epsilon));
          const found = perExample(
            threat.project(imagesOf(rows.flatMap(({ delta }) => delta)), images),
          );
          rows.forEach(({ image, delta, epsilon }, i) => {
            const scale = Math.min(1, epsilon / norm(delta) || 0);
            image.forEach((x, at) => {
              const wanted = clip(x + delta[at]! * (norm(delta) === 0 ? 1 : scale), 0, 1) - x;
              expect(Math.abs(found[i]![at]! - wanted)).toBeLessThanOrEqual(
                2 * rounding + 2e-6 * epsilon,
              );
              expect(x + found[i]![at]!).toBeGreaterThanOrEqual(-rounding);
              expect(x + found[i]![at]!).toBeLessThanOrEqual(1 + rounding);
            });
            expect(norm(found[i]!)).toBeLessThanOrEqual(
              epsilon * (1 + 1e-6) + roundingOfNorm(pixels),
            );
          });
        }),
      );
    });

    test('is idempotent', () => {
      fc.assert(
        fc.property(example, ({ image, delta, epsilon }) => {
          const images = imagesOf(image);
          const threat = l2Ball(epsilon);
          const once = threat.project(imagesOf(delta), images);
          const twice = threat.project(once, images).dataSync();
          once.dataSync().forEach((d, at) => {
            expect(Math.abs(twice[at]! - d)).toBeLessThanOrEqual(2 * rounding + 1e-6 * epsilon);
          });
        }),
      );
    });

    test('gives exactly 0 at radius 0, and at a perturbation of 0', () => {
      fc.assert(
        fc.property(example, ({ image, delta, epsilon }) => {
          const images = imagesOf(image);
          const none = l2Ball(0).project(imagesOf(delta), images).dataSync();
          expect(none.every((d) => d === 0)).toBe(true);
          const still = l2Ball(epsilon).project(zeros(images.shape), images).dataSync();
          expect(still.every((d) => d === 0)).toBe(true);
        }),
      );
    });

    test('keeps what is inside to the last bit, and scales what is outside to the sphere', () => {
      const grey = imagesOf(new Array(pixels).fill(0.5));
      const inside = numbers(1, pixels, -0.1, 0.1);
      // What x + δ − x keeps of δ.
      const stored = Array.from(inside, (d) => Math.fround(Math.fround(0.5 + d) - 0.5));
      const kept = l2Ball(0.5).project(imagesOf(inside), grey).dataSync();
      expect([...kept]).toEqual(stored);
      const onto = l2Ball(0.05).project(imagesOf(inside), grey).dataSync();
      expect(norm(onto)).toBeGreaterThan(0.05 * (1 - 2e-6) - rounding);
      const factor = 0.05 / norm(inside);
      onto.forEach((d, at) => {
        expect(d).toBeCloseTo(inside[at]! * factor, 6);
      });
    });

    test('holds ‖δ‖ ≤ ε(1 + 1e-6) for images of 32 × 32 × 3 and 224 × 224 × 3', () => {
      for (const [side, epsilon] of [
        [32, 0.5],
        [32, 12],
        [224, 3],
        [224, 40],
      ] as const) {
        const count = side * side * 3;
        const shape: [number, number, number, number] = [1, side, side, 3];
        const grey = tensor4d(numbers(4, count, 0.4, 0.6), shape);
        const outside = tensor4d(numbers(5, count, -1, 1), shape);
        const found = l2Ball(epsilon).project(outside, grey).dataSync() as Float32Array;
        const exact = Math.sqrt(found.reduce((total, d) => total + d * d, 0));
        expect(exact).toBeLessThanOrEqual(epsilon * (1 + 1e-6));
        expect(exact).toBeGreaterThan(epsilon * (1 - 3e-6));
      }
    });
  });

  describe('start', () => {
    // Grey images and a ball that doesn't reach the box, so that only the ball matters.
    const count = 2000;
    const indices = Int32Array.from({ length: count }, (_, i) => i);
    const epsilon = 0.4;
    let found: number[][];
    beforeAll(() => {
      const grey = imagesOf(new Array(count * pixels).fill(0.5));
      found = perExample(l2Ball(epsilon).start(grey, randomSource(8).forExamples(indices)));
    });

    test('is uniform in the ball: (‖δ‖/ε)^n is uniform in [0, 1] (Kolmogorov–Smirnov)', () => {
      const volumes = found.map((d) => (norm(d) / epsilon) ** pixels).sort((a, b) => a - b);
      const distance = Math.max(...volumes.map((v, i) => Math.abs(v - (i + 0.5) / count)));
      expect(distance).toBeLessThan(1.95 / Math.sqrt(count));
    });

    test('has the mean 0 and the covariance ε² / (n + 2) · 1', () => {
      const variance = epsilon ** 2 / (pixels + 2);
      const mean = (f: (d: number[]) => number) =>
        found.reduce((total, d) => total + f(d), 0) / count;
      for (let i = 0; i < pixels; i++) {
        expect(Math.abs(mean((d) => d[i]!))).toBeLessThan(4.5 * Math.sqrt(variance / count));
        for (let j = 0; j < pixels; j++) {
          const wanted = i === j ? variance : 0;
          // E[δᵢ⁴] = 3ε⁴/((n+2)(n+4)), and a third of it for E[δᵢ²δⱼ²].
          const square = ((i === j ? 3 : 1) * epsilon ** 4) / ((pixels + 2) * (pixels + 4));
          const error = Math.sqrt((square - wanted ** 2) / count);
          expect(Math.abs(mean((d) => d[i]! * d[j]!) - wanted)).toBeLessThan(4.5 * error);
        }
      }
    });

    test('is allowed, and that of the example in any batch', () => {
      fc.assert(
        fc.property(examples, fc.maxSafeInteger(), (rows, seed) => {
          const own = rows.map((_, i) => 10 * i);
          const random = randomSource(seed);
          const together = perExample(
            l2Ball(rows.map(({ epsilon }) => epsilon)).start(
              imagesOf(rows.flatMap(({ image }) => image)),
              random.forExamples(own),
            ),
          );
          rows.forEach(({ image, epsilon }, i) => {
            const alone = l2Ball(epsilon).start(imagesOf(image), random.forExamples([own[i]!]));
            expect(Array.from(alone.dataSync())).toEqual(together[i]);
            expect(norm(together[i]!)).toBeLessThanOrEqual(
              epsilon * (1 + 1e-6) + roundingOfNorm(pixels),
            );
            image.forEach((x, at) => {
              expect(Math.abs(x + together[i]![at]! - 0.5)).toBeLessThanOrEqual(0.5 + rounding);
            });
          });
        }),
        { numRuns: 50 },
      );
    });
  });

  test('size is the ℓ2 norm per example, small and large', () => {
    fc.assert(
      fc.property(examples, (rows) => {
        const sizes = l2Ball(0.1).size(imagesOf(rows.flatMap(({ delta }) => delta)));
        expect(sizes.shape).toEqual([rows.length]);
        sizes.dataSync().forEach((size, i) => {
          const wanted = norm(rows[i]!.delta);
          expect(Math.abs(size - wanted)).toBeLessThanOrEqual(1e-6 * wanted + 1e-37);
        });
      }),
    );
  });

  test('what is not a number is not made one', () => {
    const delta = imagesOf(Array.from({ length: pixels }, (_, i) => (i === 3 ? Number.NaN : 0.1)));
    const found = l2Ball(0.1).project(delta, imagesOf(new Array(pixels).fill(0.5)));
    expect(found.dataSync()[3]).toBeNaN();
    expect(l2Ball(0.1).size(delta).dataSync()[0]).toBeNaN();
  });
});

describe('the radius', () => {
  test('may be a number, one per example, or a tensor that stays the caller’s', () => {
    expect(l2Ball(0.25).radius.shape).toEqual([1]);
    expect(Array.from(l2Ball([0.25, 55]).radius.dataSync())).toEqual([0.25, 55]);
    const own = tensor1d([0.125]);
    expect(l2Ball(own).radius).toBe(own);
  });

  test.each([-0.1, Number.NaN, Number.POSITIVE_INFINITY])('%d is refused', (epsilon) => {
    expect(() => l2Ball(epsilon)).toThrow(RangeError);
    expect(() => l2Ball([0.1, epsilon])).toThrow('finite number, 0 or above');
  });

  test('of √n and more lets every image be reached', () => {
    const black = zeros([1, 3, 2, 2]) as Tensor4D;
    const found = l2Ball(Math.sqrt(pixels) + 0.01).project(ones([1, 3, 2, 2]), black);
    expect(found.dataSync().every((d) => d === 1)).toBe(true);
  });
});

test('leaves no tensor behind but its radius and its results', () => {
  const images = imagesOf(new Array(pixels).fill(0.5));
  const before = memory().numTensors;
  const threat = l2Ball(0.1);
  expect(memory().numTensors).toBe(before + 1);
  const start = threat.start(images, randomSource(0).forExamples([0]));
  const projected = threat.project(start, images);
  const size = threat.size(projected);
  expect(threat.name).toBe('l2');
  expect(memory().numTensors).toBe(before + 4);
  for (const tensor of [start, projected, size]) tensor.dispose();
});

test('its steepest direction is the gradient over its norm, and 0 where that is 0', () => {
  const gradient = tensor4d([3, 0, -4, 0, 0, 0, 0, 0], [2, 2, 2, 1]);
  const [first, second] = perExample(l2Ball(0.1).steepest(gradient));
  expect(first!.map((x) => Number(x.toFixed(6)))).toEqual([0.6, 0, -0.8, 0]);
  expect(second).toEqual([0, 0, 0, 0]);
});
