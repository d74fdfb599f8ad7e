import type { World } from './world.ts';

/**
 * The same values, unless one is waited for longer than the world's time-out: a disk or a network that hangs leaves a
 * process alive, and the others waiting.
 *
 * @throws when one has not come in time; its source is left as it is
 */
export async function* withinTime<T>(
  { timeout }: Pick<World, 'timeout'>,
  values: AsyncIterable<T>,
): AsyncGenerator<T, void> {
  if (timeout === undefined) return yield* values;
  const source = values[Symbol.asyncIterator]();
  let isStuck = false;
  try {
    for (;;) {
      isStuck = true;
      const { done, value } = await inTime(source.next(), timeout);
      isStuck = false;
      if (done) return;
      yield value;
    }
  } finally {
    // What is stuck would not hear of it.
    if (!isStuck) await source.return?.();
  }
}

function inTime<T>(coming: Promise<T>, timeout: number): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`No images have come for ${timeout} s: their disk or network hangs.`)),
      timeout * 1000,
    );
  });
  return Promise.race([coming, late]).finally(() => clearTimeout(timer));
}
