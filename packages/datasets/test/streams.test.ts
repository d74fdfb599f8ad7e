import { randomSource } from '@llr/core';
import { recordSource, resumeFrom, streamState, subset } from '@llr/datasets';
import { dispose, memory } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runStarts } from '../src/records/runs.ts';
import { orderByRuns } from '../src/streams/runs.ts';
import { collect, indicesOf } from './helpers.ts';
import { bytesOf, rawRecords, rawSource } from './raw-records.ts';

const integer = (min: number, max: number) => fc.integer({ min, max });
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
const training = { batchSize: 8, epoch: 2, seed: 5, augment: true };

beforeEach(() => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  return () => warn.mockRestore();
});

describe('the batches of records', () => {
  it('hold what was read and decoded, in source order without an epoch, the last one smaller', async () => {
    const source = await rawSource(await rawRecords(10), { workers: 1 });
    expect(source.inputShape).toEqual([2, 2, 3]);
    expect(source.form).toBe('ImageFolder');
    const batches = await collect(source, { batchSize: 4 });
    expect(batches.map(({ indices }) => indices)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    expect(batches.flatMap(({ labels }) => labels)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2]);
    expect(batches[2]!.shape).toEqual([2, 2, 2, 3]);
    const expected = range(10).flatMap((i) => [...bytesOf(i)].map((byte) => byte / 256));
    expect(batches.flatMap(({ images }) => images)).toEqual(expected);
  });

  it('are augmented with numbers drawn by (seed, epoch, index)', async () => {
    const source = await rawSource(await rawRecords(16), { workers: 0 });
    for (const { indices, images } of await collect(source, training)) {
      const random = randomSource(5).fork('augment', 2).forExamples(indices);
      const draws = random.integers([8, 2], 2 ** 31);
      indices.forEach((index, row) => {
        const [brighter, noise] = [draws[2 * row]! / 2 ** 31, draws[2 * row + 1]! / 2 ** 31];
        const image = [...bytesOf(index)].map((byte) => Math.fround((byte + brighter) / 256));
        expect(images.slice(12 * row, 12 * row + 12)).toEqual([
          ...image.slice(0, 11),
          Math.fround(noise),
        ]);
      });
    }
  });

  it('are the same to the bit for any number of workers, any prefetch and any point of resuming', async () => {
    const records = await rawRecords(60, { 7: 255, 31: 255 });
    const plain = await rawSource(records, { workers: 0, prefetch: 1, maxBadFraction: 0.05 });
    const expected = await collect(plain, training);
    expect(new Set(indicesOf(expected)).size).toBeGreaterThan(40);
    for (const [workers, prefetch] of [
      [0, 9],
      [1, 2],
      [2, 1],
      [3, 5],
    ] as const) {
      const options = { workers, prefetch, maxBadFraction: 0.05, raw: { shuffled: true } };
      const source = await rawSource(records, options);
      for (const from of [0, 3, 7]) {
        const batches = await collect(source, { ...training, from });
        expect(batches).toEqual(expected.slice(from));
      }
    }
  });

  it('visit each record exactly once an epoch, and of several processes partition those of one', async () => {
    const runs = [9, 1, 20, 5, 5, 7, 3, 2, 4, 4];
    for (const each of [{}, { runs }]) {
      const records = { ...(await rawRecords(60)), ...each };
      const source = await rawSource(records, { workers: 2 });
      const whole = await collect(source, { ...training, batchSize: 12 });
      expect(sorted(indicesOf(whole))).toEqual(range(60));
      const shares = await Promise.all(
        range(3).map((rank) => collect(source, { ...training, batchSize: 4, rank, world: 3 })),
      );
      const joined = whole.map((_, k) => shares.map((share) => share[k]!));
      expect(joined.map((parts) => parts.flatMap(({ images }) => images))).toEqual(
        whole.map(({ images }) => images),
      );
    }
  });

  it('of a part keep their indices and random numbers, and share the workers', async () => {
    const source = await rawSource(await rawRecords(40), { workers: 1 });
    const byIndex = new Map<number, number[]>();
    for (const { indices, images } of await collect(source, training)) {
      indices.forEach((index, row) => {
        byIndex.set(index, images.slice(12 * row, 12 * row + 12));
      });
    }
    const part = subset(source, { from: 16, size: 16 });
    expect(part.split).toBe('train[16:32]');
    const batches = await collect(part, training);
    expect(sorted(indicesOf(batches))).toEqual(range(16).map((i) => 16 + i));
    const images = batches.flatMap((batch) => batch.images);
    expect(images).toEqual(indicesOf(batches).flatMap((index) => byIndex.get(index)!));
  });

  it('leave no tensor behind, and outlive the memory they were decoded into', async () => {
    const source = await rawSource(await rawRecords(48), { workers: 1, prefetch: 2 });
    const before = memory().numTensors;
    const kept = [];
    for await (const batch of source.batches({ batchSize: 4 })) kept.push(batch);
    expect(memory().numTensors).toBe(before + 24);
    // Every slot has been written over by now; a tensor may read its array as late as here.
    const first = kept.map(({ images }) => images.dataSync()[1]! * 256);
    expect(first).toEqual(range(12).map((batch) => 4 * batch));
    for (const { images, labels } of kept) dispose([images, labels]);
    expect(memory().numTensors).toBe(before);
  });

  it('can be left at any time, and read by several at once', async () => {
    const source = await rawSource(await rawRecords(64), { workers: 2, raw: { shuffled: true } });
    const expected = await collect(source, training);
    for (let turn = 0; turn < 30; turn++) {
      let left = turn % 7;
      for await (const batch of source.batches({ ...training, epoch: turn })) {
        dispose([batch.images, batch.labels]);
        if (left-- === 0) break;
      }
    }
    const both = await Promise.all([
      collect(source, training),
      collect(source, { ...training, batchSize: 16 }),
    ]);
    expect(both[0]).toEqual(expected);
    expect(indicesOf(both[1])).toEqual(indicesOf(expected));
  });
});

describe('recordSource', () => {
  it.each([
    [{ workers: -1 }, 'raw, train: workers is a whole number from 0 to 64; got -1.'],
    [{ prefetch: 0 }, 'raw, train: prefetch is a whole number from 1 to 1024; got 0.'],
    [{ maxBadFraction: 2 }, 'raw, train: maxBadFraction is from 0 to 1; got 2.'],
    [{ onBad: 'ignore' as 'skip' }, "raw, train: onBad is 'skip' or 'error'; got 'ignore'."],
  ])('refuses %j', async (options, message) => {
    await expect(rawSource(await rawRecords(3), options)).rejects.toThrow(new RangeError(message));
  });

  it('refuses options of batches at once', async () => {
    const source = await rawSource(await rawRecords(9));
    expect(() => source.batches({ batchSize: 10, epoch: 0 })).toThrow(
      'batches: raw, train has 9 images, not one full batch of 10 (batchSize × world).',
    );
  });

  it('says that a preprocessing is missing', async () => {
    const records = await rawRecords(3);
    const module = new URL('./none.ts', import.meta.url).href;
    await expect(
      recordSource({ name: 'raw', split: 'train', records, preprocessing: { module } }),
    ).rejects.toThrow('none.ts');
  });
});

describe('the state of a stream', () => {
  it('goes on exactly where it was taken, also with another number of processes', async () => {
    const records = await rawRecords(48);
    const source = await rawSource(records, { workers: 1 });
    const all = await collect(source, { ...training, batchSize: 12 });
    await fc.assert(
      fc.asyncProperty(integer(0, 4), fc.constantFrom(1, 2, 3, 4, 6), async (batch, world) => {
        const state = streamState(source, { ...training, batch, batchSize: 4, world: 3 });
        const written = JSON.stringify(state);
        expect(written.length).toBeLessThan(1000);
        const again = await rawSource(records, { workers: 0 });
        const shares = await Promise.all(
          range(world).map((rank) =>
            collect(again, {
              ...resumeFrom(again, JSON.parse(written), { rank, world }),
              augment: true,
            }),
          ),
        );
        const images = all.slice(batch).map((_, k) => shares.flatMap((share) => share[k]!.images));
        expect(images).toEqual(all.slice(batch).map((each) => each.images));
      }),
      { numRuns: 12 },
    );
  });

  it('is refused by another source', async () => {
    const records = await rawRecords(24);
    const source = await rawSource(records);
    const state = streamState(source, { batch: 1, batchSize: 4, epoch: 0 });
    expect(resumeFrom(source, state)).toMatchObject({ batchSize: 4, from: 1, seed: 0, rank: 0 });
    const labels = records.labels.slice();
    labels[5] = 2;
    const others = [
      await rawSource({ ...records, labels }),
      await rawSource(await rawRecords(25)),
      await rawSource(records, { raw: { shuffled: true } }),
      await rawSource({ ...records, runs: [12, 12] }),
      source.part(0, 23),
    ];
    for (const other of others) expect(() => resumeFrom(other, state)).toThrow('fingerprint');
    expect(() => resumeFrom(source, state, { world: 3 })).toThrow(
      "raw, train: 3 processes can't share global batches of 4.",
    );
    expect(() => resumeFrom(source, { ...state, version: 2 as 1 })).toThrow('version 2');
  });
});

describe('the order of records in runs', () => {
  const lengths = fc.array(integer(1, 9), { minLength: 1, maxLength: 40 });

  it('is a permutation of any part, in windows of 8 runs', () => {
    fc.assert(
      fc.property(lengths, integer(0, 400), integer(1, 400), integer(0, 99), (runs, a, b, seed) => {
        const starts = runStarts(runs);
        const total = starts.at(-1)!;
        const first = a % total;
        const size = 1 + (b % (total - first));
        const order = orderByRuns(starts, { first, size, seed, epoch: 1 });
        expect(sorted([...order])).toEqual(range(size));
        // The runs met, one by one: each is left for good within 8 others.
        const met = [...order].map((position) => starts.findIndex((s) => s > first + position));
        const distinct = [...new Set(met)];
        for (let window = 0; window * 8 < distinct.length; window++) {
          const runsHere = distinct.slice(window * 8, window * 8 + 8);
          const places = met.flatMap((run, place) => (runsHere.includes(run) ? [place] : []));
          expect(places.at(-1)! - places[0]! + 1).toBe(places.length);
        }
      }),
    );
  });

  it('is shuffled within windows and differs by epoch', () => {
    const starts = runStarts([100, 100, 100]);
    const at = (epoch: number) => orderByRuns(starts, { first: 0, size: 300, seed: 1, epoch });
    expect(at(0)).not.toEqual(at(1));
    expect(at(0)).toEqual(at(0));
    const steps = [...at(0)].slice(1).map((place, i) => Math.abs(place - at(0)[i]!));
    // Of a uniform permutation, a third of 300.
    expect(steps.reduce((sum, step) => sum + step, 0) / 299).toBeGreaterThan(80);
  });
});
