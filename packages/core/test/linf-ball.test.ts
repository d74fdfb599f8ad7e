import { memory, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linfBall, randomSource } from '../src/index.ts';
import { ballExamples, clip, rounding } from './ball-examples.ts';
import { imagesOf, perExample, pixels, shape } from './networks.ts';

const { example, examples } = ballExamples({
  changes: [0, -1e30, 1e30],
  radii: [0, 4 / 255, 8 / 255, 1],
  largestRadius: 1,
});

describe('project', () => {
  test('is the nearest allowed perturbation, with a radius for each example', () => {
    fc.assert(
      fc.property(examples, (rows) => {
        const images = imagesOf(rows.flatMap(({ image }) => image));
        const threat = linfBall(rows.map(({ epsilon }) => epsilon));
        const found = perExample(
          threat.project(imagesOf(rows.flatMap(({ delta }) => delta)), images),
        );
        rows.forEach(({ image, delta, epsilon }, i) => {
          image.forEach((x, at) => {
            const wanted = clip(x + clip(delta[at]!, -epsilon, epsilon), 0, 1) - x;
            expect(Math.abs(found[i]![at]! - wanted)).toBeLessThanOrEqual(2 * rounding);
            expect(Math.abs(found[i]![at]!)).toBeLessThanOrEqual(epsilon + rounding);
            expect(x + found[i]![at]!).toBeGreaterThanOrEqual(-rounding);
            expect(x + found[i]![at]!).toBeLessThanOrEqual(1 + rounding);
          });
        });
      }),
    );
  });

  test('leaves what is allowed alone, so twice is once', () => {
    fc.assert(
      fc.property(example, ({ image, delta, epsilon }) => {
        const images = imagesOf(image);
        const threat = linfBall(epsilon);
        const once = threat.project(imagesOf(delta), images);
        const twice = threat.project(once, images).dataSync();
        once.dataSync().forEach((d, at) => {
          expect(Math.abs(twice[at]! - d)).toBeLessThanOrEqual(rounding);
        });
      }),
    );
  });

  test('gives exactly 0 at radius 0', () => {
    fc.assert(
      fc.property(example, ({ image, delta }) => {
        const found = linfBall(0).project(imagesOf(delta), imagesOf(image)).dataSync();
        expect(found.every((d) => d === 0)).toBe(true);
      }),
    );
  });
});

test('what is not a number is not made one', () => {
  const delta = imagesOf(Array.from({ length: pixels }, (_, i) => (i === 3 ? Number.NaN : 0.1)));
  const found = linfBall(0.1)
    .project(delta, imagesOf(new Array(pixels).fill(0.5)))
    .dataSync();
  expect(found[3]).toBeNaN();
  expect(found[4]).toBeCloseTo(0.1, 6);
});

describe('start', () => {
  test('is a uniform draw of the ball, then in the box: that of the example, in any batch', () => {
    fc.assert(
      fc.property(examples, fc.maxSafeInteger(), (rows, seed) => {
        const indices = rows.map((_, i) => 10 * i);
        const images = imagesOf(rows.flatMap(({ image }) => image));
        const random = randomSource(seed);
        const found = perExample(
          linfBall(rows.map(({ epsilon }) => epsilon)).start(images, random.forExamples(indices)),
        );
        rows.forEach(({ image, epsilon }, i) => {
          const own = random.forExamples([indices[i]!]);
          const alone = linfBall(epsilon).start(imagesOf(image), own);
          expect(Array.from(alone.dataSync())).toEqual(found[i]);
          const drawn = own.uniform([1, ...shape], -1, 1).dataSync();
          image.forEach((x, at) => {
            const wanted = clip(x + epsilon * drawn[at]!, 0, 1) - x;
            expect(Math.abs(found[i]![at]! - wanted)).toBeLessThanOrEqual(2 * rounding);
          });
        });
      }),
      { numRuns: 50 },
    );
  });
});

test('size is the largest change of a pixel, per example', () => {
  fc.assert(
    fc.property(examples, (rows) => {
      const sizes = linfBall(0.1).size(imagesOf(rows.flatMap(({ delta }) => delta)));
      expect(sizes.shape).toEqual([rows.length]);
      expect(Array.from(sizes.dataSync())).toEqual(
        rows.map(({ delta }) => Math.max(...delta.map((d) => Math.fround(Math.abs(d))))),
      );
    }),
  );
});

describe('the radius', () => {
  test('may be a number, one per example, or a tensor that stays the caller’s', () => {
    expect(linfBall(0.25).radius.shape).toEqual([1]);
    expect(Array.from(linfBall([0.25, 0.5]).radius.dataSync())).toEqual([0.25, 0.5]);
    const own = tensor1d([0.125]);
    expect(linfBall(own).radius).toBe(own);
  });

  test.each([8, 1.001, 255])('%d is refused, with what was probably meant', (epsilon) => {
    expect(() => linfBall(epsilon)).toThrow(RangeError);
    expect(() => linfBall(epsilon)).toThrow(`write ${epsilon} / 255`);
  });

  test.each([-0.1, Number.NaN, Number.POSITIVE_INFINITY])('%d is refused', (epsilon) => {
    expect(() => linfBall(epsilon)).toThrow(RangeError);
    expect(() => linfBall([0.1, epsilon])).toThrow(RangeError);
  });
});

test('leaves no tensor behind but its radius and its results', () => {
  const images = imagesOf(new Array(pixels).fill(0.5));
  const before = memory().numTensors;
  const threat = linfBall(0.1);
  expect(memory().numTensors).toBe(before + 1);
  const start = threat.start(images, randomSource(0).forExamples([0]));
  const projected = threat.project(start, images);
  const size = threat.size(projected);
  expect(memory().numTensors).toBe(before + 4);
  for (const tensor of [start, projected, size]) tensor.dispose();
});

test('its steepest direction is the sign of the gradient', () => {
  const gradient = tensor4d([0.1, -3, 0, 1e-20], [1, 2, 2, 1]);
  expect([...linfBall(0.1).steepest(gradient).dataSync()]).toEqual([1, -1, 0, 1]);
});
