import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '@llr/core';
import { dispose, memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { prefetch } from '../src/prefetch.ts';
import { stripeSource, stripes } from './tiny.ts';

const release = ({ images, labels }: Batch) => dispose([images, labels]);

/** Batches that take some milliseconds of somebody else's time; told when each is asked for. */
async function* slowly(count: number, milliseconds: number, asked: (batch: number) => void) {
  for (let batch = 0; batch < count; batch++) {
    asked(batch);
    await sleep(milliseconds);
    yield stripes(2, batch);
  }
}

describe('prefetch', () => {
  it('gives the same batches in the same order, and leaves no tensor behind', async () => {
    const source = stripeSource(30);
    const before = memory().numTensors;
    const taken = async (batches: AsyncIterable<Batch>) => {
      const found = [];
      for await (const batch of batches) {
        found.push([[...batch.indices], [...batch.images.dataSync()]]);
        release(batch);
      }
      return found;
    };
    const options = { batchSize: 6, epoch: 1, seed: 3 };
    const plain = await taken(source.batches(options));
    expect(plain).toHaveLength(5);
    expect(await taken(prefetch(source.batches(options)))).toEqual(plain);
    expect(memory().numTensors).toBe(before);
  });

  it('asks for the next batch before a step begins, and so waits for the first one alone', async () => {
    const told: string[] = [];
    let waited = 0;
    let last = performance.now();
    for await (const batch of prefetch(slowly(4, 40, (next) => told.push(`ask ${next}`)))) {
      if (batch.indices[0]! > 0) waited += performance.now() - last;
      told.push(`step ${batch.indices[0]}`);
      release(batch);
      // A step that keeps the thread.
      for (const end = performance.now() + 60; performance.now() < end; );
      last = performance.now();
    }
    expect(told.slice(0, 5)).toEqual(['ask 0', 'ask 1', 'step 0', 'ask 2', 'step 1']);
    // Without, 3 × 40 ms.
    expect(waited).toBeLessThan(100);
  });

  it('disposes of the batch asked for in vain, and ends the source', async () => {
    const before = memory().numTensors;
    let ended = false;
    async function* source() {
      try {
        yield* slowly(10, 1, () => {});
      } finally {
        ended = true;
      }
    }
    for await (const batch of prefetch(source())) {
      release(batch);
      break;
    }
    expect(ended).toBe(true);
    expect(memory().numTensors).toBe(before);
  });

  it('passes on the error of a source after the batches before it', async () => {
    async function* source() {
      yield stripes(2);
      throw new Error('record 7 is damaged');
    }
    let steps = 0;
    const loop = async () => {
      for await (const batch of prefetch(source())) {
        await sleep(5);
        release(batch);
        steps += 1;
      }
    };
    await expect(loop()).rejects.toThrow('record 7 is damaged');
    expect(steps).toBe(1);
  });

  it('lets the event loop turn between steps that never await', async () => {
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    const seen = [];
    for await (const batch of prefetch(stripeSource(30).batches({ batchSize: 6, epoch: 0 }))) {
      release(batch);
      for (const end = performance.now() + 5; performance.now() < end; );
      seen.push(turns);
    }
    clearInterval(timer);
    expect(seen.at(-1)).toBeGreaterThan(1);
  });
});
