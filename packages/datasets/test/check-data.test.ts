import { memory } from '@tensorflow/tfjs-core';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { checkData, fromArrays, type IndexedSource } from '../src/index.ts';

const classNames = ['red', 'green', 'never'];
const colours = [
  [255, 0, 51],
  [0, 102, 51],
];
// 600 images of one colour each, more than two batches: a red one, two green ones, and so on.
const labels = Int32Array.from({ length: 600 }, (_, i) => (i % 3 === 0 ? 0 : 1));
const source = fromArrays({
  name: 'colours',
  split: 'train',
  inputShape: [2, 4, 3],
  classNames,
  images: Uint8Array.from(
    Array.from(labels).flatMap((label) => Array(8).fill(colours[label]).flat()),
  ),
  labels,
});

/** The same with images that can't be read. */
function damagedAt(
  indices: readonly number[],
  inner: IndexedSource = source,
  first = 0,
): IndexedSource {
  return {
    ...inner,
    batches: (options) => {
      const bad = indices.find((index) => index >= first && index < first + inner.size);
      if (bad !== undefined) throw new Error(`image ${bad} is cut off`);
      return inner.batches(options);
    },
    part: (from, size) => damagedAt(indices, inner.part(from, size), first + from),
  };
}

describe('checkData', () => {
  it('counts classes, and has the mean and the standard deviation of all pixels', async () => {
    const before = memory().numTensors;
    const progress: number[] = [];
    const { classes, mean, std, damaged, size } = await checkData(source, (read) => {
      progress.push(read);
    });
    expect(size).toBe(600);
    expect(classes).toEqual([
      { name: 'red', count: 200 },
      { name: 'green', count: 400 },
      { name: 'never', count: 0 },
    ]);
    // A third at 1 and two thirds at 0; the same of 0 and 0.4; 0.2 everywhere.
    const expected = {
      mean: [1 / 3, 0.8 / 3, 0.2],
      std: [Math.sqrt(2) / 3, (0.4 * Math.sqrt(2)) / 3, 0],
    };
    for (const channel of [0, 1, 2]) {
      expect(mean[channel]).toBeCloseTo(expected.mean[channel]!, 6);
      expect(std[channel]).toBeCloseTo(expected.std[channel]!, 4);
    }
    expect(damaged).toEqual([]);
    expect(progress).toEqual([256, 512, 600]);
    expect(memory().numTensors).toBe(before);
  });

  it('lists images that cannot be read, and counts all others', async () => {
    const { classes, damaged } = await checkData(damagedAt([3, 255, 599]));
    expect(damaged).toEqual([
      { index: 3, message: 'image 3 is cut off' },
      { index: 255, message: 'image 255 is cut off' },
      { index: 599, message: 'image 599 is cut off' },
    ]);
    expect(classes.map(({ count }) => count)).toEqual([198, 399, 0]);
  });

  it('shows the first images of each class, a class a row', async () => {
    const png = PNG.sync.read(Buffer.from((await checkData(source)).sheet()));
    expect([png.width, png.height]).toEqual([10 * (4 + 2) + 2, 3 * (2 + 2) + 2]);
    const colourAt = (x: number, y: number) =>
      Array.from(png.data.subarray(4 * (y * png.width + x), 4 * (y * png.width + x) + 3));
    expect(colourAt(2, 2)).toEqual(colours[0]);
    expect(colourAt(2 + 9 * 6 + 3, 3)).toEqual(colours[0]);
    expect(colourAt(2, 6)).toEqual(colours[1]);
    expect(colourAt(2, 10)).toEqual([255, 255, 255]);
  });
});
