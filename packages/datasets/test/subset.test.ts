import type { ImageSource } from '@llr/core';
import { padCropFlip, subset } from '@llr/datasets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect, indicesOf, smallSource } from './helpers.ts';

describe('subset', () => {
  it('keeps images, labels and indices of the part', async () => {
    const source = smallSource(10);
    const whole = await collect(source, { batchSize: 1 });
    const part = subset(source, { from: 4, size: 3 });
    expect(part).toMatchObject({
      name: 'small',
      split: 'train[4:7]',
      size: 3,
      inputShape: [4, 3, 2],
    });
    expect(await collect(part, { batchSize: 1 })).toEqual(whole.slice(4, 7));
  });

  it('begins with the first image by default', async () => {
    const part = subset(smallSource(10), { size: 4 });
    expect(indicesOf(await collect(part, { batchSize: 3 }))).toEqual([0, 1, 2, 3]);
  });

  it('is shuffled within itself', async () => {
    const part = subset(smallSource(40), { from: 10, size: 20 });
    const visited = indicesOf(await collect(part, { batchSize: 20, epoch: 0 }));
    const inOrder = Array.from({ length: 20 }, (_, i) => 10 + i);
    expect(visited).not.toEqual(inOrder);
    expect([...visited].sort((a, b) => a - b)).toEqual(inOrder);
  });

  it('augments an image as the whole does', async () => {
    const source = smallSource(12, padCropFlip({ pad: 2 }));
    const options = { batchSize: 1, epoch: 2, augment: true };
    const whole = new Map(
      (await collect(source, options)).map((batch) => [batch.indices[0], batch]),
    );
    for (const batch of await collect(subset(source, { from: 5, size: 6 }), options)) {
      expect(batch).toEqual(whole.get(batch.indices[0]));
    }
  });

  it('of a subset is a part of the part', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 4 }),
        async (first, second) => {
          const source = smallSource(20);
          const part = subset(subset(source, { from: first, size: 10 }), { from: second, size: 5 });
          const same = subset(source, { from: first + second, size: 5 });
          expect(part.split).toBe(same.split);
          const options = { batchSize: 2 };
          expect(await collect(part, options)).toEqual(await collect(same, options));
        },
      ),
    );
  });

  it('of everything is the source itself by name', () => {
    expect(subset(smallSource(5), { size: 5 }).split).toBe('train');
  });

  it.each([
    [{ size: 0 }, 'subset of small, train: size must be a whole number from 1; got 0.'],
    [{ from: -1, size: 2 }, 'subset of small, train: from must be a whole number from 0; got -1.'],
    [
      { from: 8, size: 5 },
      'subset of small, train: images 8 to 12 were asked for, but there are only 10.',
    ],
  ])('refuses %j', (options, message) => {
    expect(() => subset(smallSource(10), options)).toThrow(new RangeError(message));
  });

  it('refuses a source that is only a stream', () => {
    const { name, inputShape, classNames, split, size, batches } = smallSource(4);
    const stream: ImageSource = { name, inputShape, classNames, split, size, batches };
    expect(() => subset(stream, { size: 2 })).toThrow(
      'subset of small, train: this source can only be read from its beginning to its end.',
    );
  });
});
