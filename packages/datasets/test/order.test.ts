import { padCropFlip } from '@llr/datasets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochOrder } from '../src/epoch-order.ts';
import { collect, indicesOf, smallSource } from './helpers.ts';

const integer = (min: number, max: number) => fc.integer({ min, max });
const seeds = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

describe('the order of an epoch', () => {
  it('has every index exactly once', () => {
    fc.assert(
      fc.property(integer(1, 300), seeds, integer(0, 1000), (size, seed, epoch) => {
        expect(sorted([...epochOrder(size, seed, epoch)])).toEqual(range(size));
      }),
    );
  });

  it('is uniform over the 24 permutations of four', () => {
    const counts = new Map<string, number>();
    const epochs = 12_000;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = epochOrder(4, 7, epoch).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    const expected = epochs / 24;
    const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2, 0);
    expect(counts.size).toBe(24);
    // The 99.9 % quantile of χ² with 23 degrees of freedom.
    expect(chiSquared / expected).toBeLessThan(49.73);
  });

  it('differs by epoch and by seed, and stays what it was', () => {
    expect(epochOrder(100, 0, 1)).not.toEqual(epochOrder(100, 0, 0));
    expect(epochOrder(100, 1, 0)).not.toEqual(epochOrder(100, 0, 0));
    expect([...epochOrder(10, 0, 0)]).toEqual([1, 8, 3, 4, 9, 7, 2, 5, 0, 6]);
  });
});

describe('batches', () => {
  it('visit each index once an epoch, at most, and all that fit in full batches', async () => {
    await fc.assert(
      fc.asyncProperty(integer(1, 60), integer(1, 60), seeds, async (size, batchSize, seed) => {
        fc.pre(batchSize <= size);
        const visited = indicesOf(await collect(smallSource(size), { batchSize, seed, epoch: 2 }));
        expect(visited).toHaveLength(Math.floor(size / batchSize) * batchSize);
        expect(new Set(visited).size).toBe(visited.length);
        expect(visited.every((index) => index >= 0 && index < size)).toBe(true);
      }),
    );
  });

  it('of 1, 2 or 3 processes partition the global batches', async () => {
    await fc.assert(
      fc.asyncProperty(
        integer(1, 60),
        integer(1, 9),
        integer(1, 3),
        fc.option(integer(0, 5), { nil: undefined }),
        async (size, batchSize, world, epoch) => {
          fc.pre(epoch === undefined || batchSize * world <= size);
          const order = epoch === undefined ? {} : { epoch, seed: 5 };
          const source = smallSource(size);
          const whole = await collect(source, { ...order, batchSize: batchSize * world });
          const shares = await Promise.all(
            range(world).map((rank) => collect(source, { ...order, batchSize, rank, world })),
          );
          const joined = whole.map((_, k) => indicesOf(shares.flatMap((share) => share[k] ?? [])));
          expect(joined).toEqual(whole.map(({ indices }) => indices));
          expect(shares.every((share) => share.length <= whole.length)).toBe(true);
        },
      ),
    );
  });

  it('go on from where a run stopped', async () => {
    await fc.assert(
      fc.asyncProperty(
        integer(1, 40),
        integer(1, 8),
        integer(0, 40),
        fc.boolean(),
        async (size, batchSize, from, shuffled) => {
          fc.pre(batchSize <= size && from <= Math.floor(size / batchSize));
          const source = smallSource(size, padCropFlip({ pad: 1 }));
          const options = shuffled ? { batchSize, epoch: 4, augment: true } : { batchSize };
          const all = await collect(source, options);
          expect(await collect(source, { ...options, from })).toEqual(all.slice(from));
        },
      ),
    );
  });

  it('give an example the same augmentation whatever the batch size and the share', async () => {
    const byIndex = async (batchSize: number, world: number) => {
      const source = smallSource(24, padCropFlip({ pad: 1 }));
      const images = new Map<number, number[]>();
      for (const rank of range(world)) {
        const options = { batchSize, rank, world, epoch: 6, seed: 3, augment: true };
        for (const batch of await collect(source, options)) {
          batch.indices.forEach((index, row) => {
            images.set(index, batch.images.slice(row * 24, (row + 1) * 24));
          });
        }
      }
      return images;
    };
    const one = await byIndex(24, 1);
    expect(one.size).toBe(24);
    await fc.assert(
      fc.asyncProperty(integer(1, 8), integer(1, 3), async (batchSize, world) => {
        const found = await byIndex(batchSize, world);
        expect(found.size).toBe(Math.floor(24 / (batchSize * world)) * batchSize * world);
        for (const [index, image] of found) expect(image).toEqual(one.get(index));
      }),
    );
  });
});
