import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { Batch } from '@llr/core';
import { dispose } from '@tensorflow/tfjs-core';

/**
 * The same batches, the next one asked for before each is given: while a step computes, which takes the whole thread,
 * what a source left to worker threads or to the system (files, the network) goes on. What it does in this
 * thread takes the same time as without. Between two batches the event loop gets a turn, for messages and signals.
 *
 * The consumer owns the batches that it gets. The one asked for in vain, when it stops early, is disposed of.
 */
export async function* prefetch(batches: AsyncIterable<Batch>): AsyncGenerator<Batch, void> {
  const source = batches[Symbol.asyncIterator]();
  const ask = () => {
    const coming = source.next();
    // An error is heard of when the batch is waited for, not before.
    coming.catch(() => {});
    return coming;
  };
  let coming = ask();
  try {
    for (;;) {
      await turnOfEventLoop();
      const { done, value } = await coming;
      if (done) return;
      coming = ask();
      yield value;
    }
  } finally {
    const [unused] = await Promise.allSettled([coming]);
    if (unused.status === 'fulfilled' && !unused.value.done) release(unused.value.value);
    await source.return?.();
  }
}

const release = ({ images, labels }: Batch) => dispose([images, labels]);
