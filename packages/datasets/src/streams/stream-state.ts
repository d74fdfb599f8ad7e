import { createHash } from 'node:crypto';
import type { BatchOptions, ImageSource } from '@llr/core';

/** Where a pass over a source has got to: a few plain values, which can be written as JSON. */
export interface StreamState {
  readonly version: 1;
  /** Of the source: see `sourceFingerprint`. */
  readonly fingerprint: string;
  readonly seed: number;
  readonly epoch: number;
  /** The next batch: as many have been consumed. */
  readonly batch: number;
  readonly batchSize: number;
  readonly world: number;
}

/**
 * What has to be kept to go on with a pass later: the state after `batch` batches were consumed. Batches that
 * were only decoded ahead are decoded again.
 */
export function streamState(
  source: ImageSource,
  {
    batch,
    batchSize,
    seed = 0,
    epoch,
    world = 1,
  }: { batch: number; batchSize: number; seed?: number; epoch: number; world?: number },
): StreamState {
  const fingerprint = sourceFingerprint(source);
  return { version: 1, fingerprint, seed, epoch, batch, batchSize, world };
}

/**
 * The options of `batches` that go on where a state was taken, to the bit. The number of processes may be
 * another one, as long as all their batches together are as large as before.
 *
 * @param share - this process's; `world` defaults to that of the state
 * @throws when the state is of another source or another version, or the global batch has another size
 */
export function resumeFrom(
  source: ImageSource,
  state: StreamState,
  { rank = 0, world = state.world }: { rank?: number; world?: number } = {},
): Required<Pick<BatchOptions, 'batchSize' | 'epoch' | 'seed' | 'rank' | 'world' | 'from'>> {
  const what = `${source.name}, ${source.split}`;
  if (state.version !== 1) {
    throw new Error(`${what}: a stream state of version ${state.version} is not understood.`);
  }
  const found = sourceFingerprint(source);
  if (found !== state.fingerprint) {
    throw new Error(
      `${what}: the images, their order or their preprocessing are not those the run was stopped with (fingerprint ${found}, was ${state.fingerprint}).`,
    );
  }
  const globalBatch = state.batchSize * state.world;
  const batchSize = globalBatch / world;
  if (!Number.isInteger(batchSize)) {
    throw new Error(`${what}: ${world} processes can't share global batches of ${globalBatch}.`);
  }
  const { epoch, seed, batch: from } = state;
  return { batchSize, epoch, seed, rank, world, from };
}

/**
 * Tells a source from others: 16 hexadecimal digits. A source may know its own (those of records hash names,
 * labels and preprocessing); of another, name, split, size, shape and classes are hashed.
 */
export function sourceFingerprint(source: ImageSource & { fingerprint?: string }): string {
  if (source.fingerprint !== undefined) return source.fingerprint;
  const { name, split, size, inputShape, classNames } = source;
  const described = JSON.stringify([name, split, size, inputShape, classNames]);
  return createHash('sha256').update(described).digest('hex').slice(0, 16);
}
