import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  distortedBoundingBox,
  cropDraws as distortedDraws,
} from '../src/decoding/distorted-bounding-box.ts';
import { fbresnet } from '../src/decoding/fbresnet.ts';
import { type Box, roundHalfEven, type Size } from '../src/decoding/geometry.ts';
import { googleNetCrop, cropDraws as googleNetDraws } from '../src/decoding/google-net-crop.ts';
import { inception } from '../src/decoding/inception.ts';
import { cropDraws, randomResizedCrop } from '../src/decoding/random-resized-crop.ts';
import { robustbenchBicubic } from '../src/decoding/robustbench-bicubic.ts';
import { torchvision } from '../src/decoding/torchvision.ts';

const sizes = fc.record({
  width: fc.integer({ min: 1, max: 5000 }),
  height: fc.integer({ min: 1, max: 5000 }),
});
const uniform = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const draws = (n: number) =>
  fc.array(uniform, { minLength: n, maxLength: n }).map((values) => Float64Array.from(values));

const isWithin = ({ x, y, width, height }: Box, image: Size) =>
  [x, y, width, height].every(Number.isInteger) &&
  x >= 0 &&
  y >= 0 &&
  width > 0 &&
  height > 0 &&
  x + width <= image.width &&
  y + height <= image.height;

const isWhole = (box: Box, image: Size) => box.width === image.width && box.height === image.height;

/** Whether a box of this area and aspect ratio has these edges when they are rounded. */
function isRounded(
  { width, height }: Box,
  image: Size,
  area: readonly [number, number],
  aspect: readonly [number, number],
): boolean {
  const room = 0.5 + 1e-9;
  const all = image.width * image.height;
  const isLarge = (width + room) * (height + room) >= area[0] * all;
  const isSmall = (width - room) * (height - room) <= area[1] * all;
  const isWide = (width + room) / (height - room) >= aspect[0];
  const isNarrow = (width - room) / (height + room) <= aspect[1];
  return isLarge && isSmall && (isWide || height < 1) && isNarrow;
}

const fixture = new URL('fixtures/images/expected.json', import.meta.url);
const expected = JSON.parse(readFileSync(fixture, 'utf8')) as {
  decoded: Record<string, Size>;
  cases: { preprocessing: string; image: string; draws?: number[]; box?: number[] }[];
  inceptionBoxes: (Size & Record<Quantity, { mean: number; deviation: number }>)[];
};

const boxesOf = (preprocessing: string) =>
  expected.cases.filter((found) => found.preprocessing === preprocessing && found.draws);
const edgesOf = ({ x, y, width, height }: Box) => [x, y, width, height];

describe('torchvision’s crop', () => {
  it.each(boxesOf('torchvision'))('is torchvision’s for the same draws: $image, $box', (wanted) => {
    const crop = randomResizedCrop(
      expected.decoded[wanted.image]!,
      Float64Array.from(wanted.draws!),
    );
    expect(edgesOf(crop)).toEqual(wanted.box);
  });

  it('lies within the image, with the area and aspect ratio of one of the tries', () => {
    fc.assert(
      fc.property(sizes, draws(cropDraws), (image, values) => {
        const crop = randomResizedCrop(image, values);
        expect(isWithin(crop, image)).toBe(true);
        const isCentral =
          crop.x === Math.floor((image.width - crop.width) / 2) &&
          crop.y === Math.floor((image.height - crop.height) / 2);
        const isTry = isRounded(crop, image, [0.08, 1], [3 / 4, 4 / 3]);
        expect(isTry || isCentral).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('falls back to the largest central crop of an allowed aspect ratio', () => {
    // Area 1 doesn't fit into a strip.
    const values = new Float64Array(cropDraws).fill(0.999);
    expect(edgesOf(randomResizedCrop({ width: 900, height: 300 }, values))).toEqual([
      250, 0, 400, 300,
    ]);
    expect(edgesOf(randomResizedCrop({ width: 300, height: 900 }, values))).toEqual([
      0, 250, 300, 400,
    ]);
  });
});

describe('tensorpack’s crop', () => {
  it.each(boxesOf('fbresnet'))('is tensorpack’s for the same draws: $image, $box', (wanted) => {
    const image = expected.decoded[wanted.image]!;
    const crop = googleNetCrop(image, Float64Array.from(wanted.draws!));
    expect(crop ? edgesOf(crop) : [0, 0, image.width, image.height]).toEqual(wanted.box);
  });

  it('lies within the image, with an allowed area and aspect ratio', () => {
    fc.assert(
      fc.property(sizes, draws(googleNetDraws), (image, values) => {
        const crop = googleNetCrop(image, values);
        if (!crop) return;
        expect(isWithin(crop, image)).toBe(true);
        expect(isRounded(crop, image, [0.08, 1], [1 / 1.334, 1.334])).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

type Quantity = 'area' | 'aspect' | 'x' | 'y';

describe('TensorFlow’s crop', () => {
  it('lies within the image, with an allowed area and aspect ratio, or is the whole image', () => {
    fc.assert(
      fc.property(sizes, draws(distortedDraws), (image, values) => {
        const crop = distortedBoundingBox(image, values);
        expect(isWithin(crop, image)).toBe(true);
        const part = (crop.width * crop.height) / (image.width * image.height);
        const isTry = part >= 0.1 && isRounded(crop, image, [0.1, 1], [0.75, 1.33]);
        expect(isTry || isWhole(crop, image)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it.each(expected.inceptionBoxes)('is distributed as TensorFlow’s: $width x $height', (wanted) => {
    const count = 4000;
    const random = generator(7);
    const crops = Array.from({ length: count }, () =>
      distortedBoundingBox(wanted, Float64Array.from({ length: distortedDraws }, random)),
    );
    const quantities: Record<Quantity, (crop: Box) => number> = {
      area: ({ width, height }) => (width * height) / (wanted.width * wanted.height),
      aspect: ({ width, height }) => width / height,
      x: ({ x }) => x / wanted.width,
      y: ({ y }) => y / wanted.height,
    };
    for (const [name, quantity] of Object.entries(quantities)) {
      const values = crops.map(quantity);
      const mean = values.reduce((sum, value) => sum + value, 0) / count;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
      const { mean: wantedMean, deviation } = wanted[name as Quantity];
      // Four standard errors of the difference of two means of 4000.
      const room = 4 * deviation * Math.sqrt(2 / count);
      expect(Math.abs(mean - wantedMean), `mean ${name}`).toBeLessThan(room);
      expect(Math.abs(Math.sqrt(variance) / deviation - 1), `deviation of ${name}`).toBeLessThan(
        0.06,
      );
    }
  });
});

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.each(Object.entries({ torchvision, robustbenchBicubic, fbresnet, inception }))(
  '%s',
  (_, recipe) => {
    const outputs = fc.integer({ min: 1, max: 300 });

    it('takes its window from within what is resized, for any image and output', () => {
      fc.assert(
        fc.property(sizes, outputs, draws(recipe.draws), (image, output, values) => {
          for (const plan of [
            recipe.evaluation(image, output),
            recipe.training(image, output, values),
          ]) {
            expect(isWithin(plan.box, image)).toBe(true);
            expect(isWithin(plan.window, plan.to)).toBe(true);
            expect([plan.window.width, plan.window.height]).toEqual([output, output]);
          }
        }),
        { numRuns: 300 },
      );
    });

    it('is the same for the same draws, and flips for half of them', () => {
      const image = { width: 500, height: 375 };
      const random = generator(3);
      const flips = Array.from({ length: 1000 }, () => {
        const values = Float64Array.from({ length: recipe.draws }, random);
        const plan = recipe.training(image, 224, values);
        expect(recipe.training(image, 224, values.slice())).toEqual(plan);
        return plan.flip;
      });
      expect(Math.abs(flips.filter(Boolean).length - 500)).toBeLessThan(64);
      expect(recipe.evaluation(image, 224).flip).toBe(false);
    });
  },
);

describe('Whole images', () => {
  const landscape = { width: 500, height: 333 };

  it('torchvision rounds the longer edge down, and the middle to an even number', () => {
    const { to, window } = torchvision.evaluation(landscape, 224);
    expect(to).toEqual({ width: 384, height: 256 });
    expect(edgesOf(window)).toEqual([80, 16, 224, 224]);
    // 256 · 375/333 = 288.29; (288 − 223)/2 = 32.5; (255 − 223)/2 = 16.
    const odd = torchvision.evaluation({ width: 375, height: 333 }, 223);
    expect(odd.to).toEqual({ width: 287, height: 255 });
    expect(edgesOf(odd.window)).toEqual([32, 16, 223, 223]);
  });

  it('fbresnet rounds the longer edge to the nearest', () => {
    const { to, window } = fbresnet.evaluation({ width: 500, height: 334 }, 224);
    expect(to).toEqual({ width: 383, height: 256 });
    expect(edgesOf(window)).toEqual([79, 16, 224, 224]);
  });

  it('inception takes 7/8 of each edge', () => {
    expect(edgesOf(inception.evaluation(landscape, 224).box)).toEqual([31, 20, 438, 293]);
  });

  it('roundHalfEven is Python’s round', () => {
    expect([0.5, 1.5, 2.5, 2.4999, 2.5001, 7].map(roundHalfEven)).toEqual([0, 2, 2, 2, 3, 7]);
  });
});
