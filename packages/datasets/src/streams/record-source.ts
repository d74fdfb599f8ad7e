import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import type { BatchOptions } from '@llr/core';
import { batchPlan } from '../batch-plan.ts';
import type { IndexedSource } from '../from-arrays.ts';
import { type Records, whereabouts } from '../records/records.ts';
import { runOf, runStarts } from '../records/runs.ts';
import { type BadRecord, BadRecords } from './bad-records.ts';
import { mostWorkers } from './decoding-task.ts';
import { openPreprocessing, type PreprocessingChoice } from './open-preprocessing.ts';
import { orderByRuns } from './runs.ts';
import { Slots } from './slots.ts';
import { type StreamedPart, streamBatches } from './stream-batches.ts';
import { type DecodingPool, ThisThread, WorkerPool } from './worker-pool.ts';

export interface RecordSourceOptions {
  name: string;
  split: string;
  records: Records;
  preprocessing: PreprocessingChoice;
  /**
   * What a shuffled pass does with a damaged record: `'skip'` puts another image in its place, chosen by
   * (seed, epoch, index), and warns; `'error'` refuses it. Default `'skip'`. A pass in source order (an
   * evaluation) always refuses.
   */
  onBad?: 'skip' | 'error';
  /** More damaged records than this part of all are an error even so. Default 0.01. */
  maxBadFraction?: number;
  /** How many threads decode; 0: the consumer's own. Default: one less than there are processors, 2 to 8. */
  workers?: number;
  /** How many batches are decoded ahead. Each takes `batchSize · h · w · c · 4` bytes. Default 3. */
  prefetch?: number;
}

/** Encoded images that are decoded as they are needed. */
export interface RecordSource extends IndexedSource {
  part(from: number, size: number): RecordSource;
  /** The form the images lie in: `'ImageFolder'`, `'nested tars'`, … */
  readonly form: string;
  /** Tells this source from others, whatever batches are taken from it: 16 hexadecimal digits. */
  readonly fingerprint: string;
  /** The damaged records that others stood in for so far, each once. */
  badRecords(): BadRecord[];
  /** Ends the workers; what is still being read from the source fails. Reading it again starts new ones. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Records as a source of batches: read and decoded by worker threads into memory that this thread shares,
 * some batches ahead, so that decoding overlaps with training.
 *
 * Order, augmentation and the substitutes of damaged records are functions of (seed, epoch, index), so the
 * batches are the same to the bit for any number of workers, any `prefetch` and any point of resuming. Where
 * records come in runs that are read together (row groups of parquet, remote shards), an epoch shuffles the
 * runs, and images within windows of 8 runs. Workers start with the first batch, are kept from pass to pass,
 * and never keep the process alive.
 *
 * @throws RangeError for an option out of range; what opening the preprocessing throws
 */
export async function recordSource(options: RecordSourceOptions): Promise<RecordSource> {
  const { name, split, records, preprocessing, maxBadFraction = 0.01 } = options;
  const { workers = Math.min(8, Math.max(2, availableParallelism() - 1)), prefetch = 3 } = options;
  const { onBad = 'skip' } = options;
  const what = `${name}, ${split}`;
  whole(what, 'workers', workers, 0, mostWorkers);
  whole(what, 'prefetch', prefetch, 1, 1024);
  if (!(maxBadFraction >= 0 && maxBadFraction <= 1)) {
    throw new RangeError(`${what}: maxBadFraction is from 0 to 1; got ${maxBadFraction}.`);
  }
  if (onBad !== 'skip' && onBad !== 'error') {
    throw new RangeError(`${what}: onBad is 'skip' or 'error'; got '${onBad}'.`);
  }
  if (records.size === 0) throw new RangeError(`${what}: there are no images.`);
  const { draws, outputShape } = await openPreprocessing(preprocessing);
  const bad = new BadRecords(what, maxBadFraction * records.size, ({ message }) =>
    console.warn(`${what}: a damaged record is skipped: ${message}`),
  );
  const decoding = new Decoding({ records, preprocessing }, workers);
  const starts = records.runs && runStarts(records.runs);
  let fingerprint: string | undefined;

  const partOf = (first: number, size: number): RecordSource => {
    const partSplit = size === records.size ? split : `${split}[${first}:${first + size}]`;
    const part: StreamedPart = {
      what: `${name}, ${partSplit}`,
      first,
      size,
      inputShape: outputShape,
      draws,
      onBad,
      bad,
      prefetch,
      slots: decoding.slots,
      pool: () => decoding.pool(),
      groupOf: starts && ((index) => runOf(starts, index)),
    };
    return {
      name,
      split: partSplit,
      size,
      form: records.form,
      inputShape: outputShape,
      classNames: records.classNames,
      get fingerprint() {
        fingerprint ??= fingerprintOf(records, preprocessing);
        return hash(fingerprint, name, partSplit, String(size));
      },
      badRecords: () => bad.list(),
      batches: (batchOptions: BatchOptions) => {
        const byRuns = (seed: number, epoch: number) =>
          orderByRuns(starts!, { first, size, seed, epoch });
        const order = starts ? byRuns : undefined;
        return streamBatches(part, batchPlan(part.what, size, batchOptions, order), batchOptions);
      },
      part: (from, length) => partOf(first + from, length),
      close: () => decoding.close(),
      [Symbol.asyncDispose]: () => decoding.close(),
    };
  };
  return partOf(0, records.size);
}

/** The workers of a source, which its parts share, and the memory they decode into. */
class Decoding {
  readonly slots = new Slots();
  readonly #setup: ConstructorParameters<typeof WorkerPool>[0];
  readonly #workers: number;
  #pool: DecodingPool | undefined;

  constructor(setup: ConstructorParameters<typeof WorkerPool>[0], workers: number) {
    this.#setup = setup;
    this.#workers = workers;
  }

  /** Those there are, or new ones in the place of those that failed. */
  pool(): DecodingPool {
    if (this.#pool?.failure) this.#pool = undefined;
    this.#pool ??= this.#workers === 0 ? new ThisThread(this.#setup) : this.#started();
    return this.#pool;
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    this.slots.clear();
    await pool?.close();
  }

  #started(): WorkerPool {
    const { records } = this.#setup;
    return new WorkerPool(this.#setup, this.#workers, (index) => whereabouts(records, index));
  }
}

function fingerprintOf(
  { size, classNames, runs, labels, ...records }: Records,
  preprocessing: PreprocessingChoice,
): string {
  // A folder may move.
  const how =
    'module' in preprocessing
      ? { ...preprocessing, module: basename(preprocessing.module) }
      : preprocessing;
  const parts = [JSON.stringify([size, classNames, runs, how]), bytesOf(labels)];
  return hash(...parts, 'names' in records ? records.names.bytes : '');
}

const bytesOf = (array: Int32Array | undefined) =>
  array ? new Uint8Array(array.buffer, array.byteOffset, array.byteLength) : '';

function hash(...parts: (string | Uint8Array)[]): string {
  const sha256 = createHash('sha256');
  for (const part of parts) sha256.update(part).update('\0');
  return sha256.digest('hex').slice(0, 16);
}

function whole(what: string, option: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new RangeError(
    `${what}: ${option} is a whole number from ${least} to ${most}; got ${value}.`,
  );
}
