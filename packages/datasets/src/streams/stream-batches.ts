import { type Batch, type BatchOptions, randomSource } from '@llr/core';
import { tensor1d } from '@tensorflow/tfjs-core';
import type { BatchPlan } from '../batch-plan.ts';
import { type BadRecord, type BadRecords, substitute } from './bad-records.ts';
import { type FailedRow, type SlotViews, slotBytes, slotViews } from './decoding-task.ts';
import type { Slots } from './slots.ts';
import { tensorOfCopy } from './tensor-of-copy.ts';
import { cancelRows, type DecodingPool } from './worker-pool.ts';

/** A contiguous part of some records, and what its batches are made with. */
export interface StreamedPart {
  /** For messages. */
  readonly what: string;
  readonly first: number;
  readonly size: number;
  readonly inputShape: readonly [height: number, width: number, channels: number];
  /** How many random numbers an image is augmented with. */
  readonly draws: number;
  readonly onBad: 'skip' | 'error';
  readonly bad: BadRecords;
  readonly prefetch: number;
  readonly slots: Slots;
  pool(): DecodingPool;
  /** Records of one group are read together, so one worker should read them. Absent: each by itself. */
  readonly groupOf: ((index: number) => number) | undefined;
}

/**
 * The batches of a plan, `prefetch` of them being decoded at any time. The tensors of a batch own their values:
 * its slot is used again.
 */
export async function* streamBatches(
  part: StreamedPart,
  plan: BatchPlan,
  options: BatchOptions,
): AsyncGenerator<Batch, void, undefined> {
  const pool = part.pool();
  const ahead: BatchInProgress[] = [];
  let next = options.from ?? 0;
  const fill = () => {
    while (ahead.length < part.prefetch && next < plan.count) {
      const positions = plan.positions(next++);
      // Of a last batch in source order, nothing may be left for the last processes.
      if (positions.length > 0) ahead.push(new BatchInProgress(part, pool, positions, options));
    }
  };
  try {
    for (fill(); ahead.length > 0; ) {
      const batch = await pool.waitFor(ahead[0]!.finish());
      ahead.shift();
      // Before the consumer goes to work on this one.
      fill();
      yield batch;
    }
  } finally {
    for (const batch of ahead) batch.cancel();
  }
}

/** One batch on its way from records to numbers. */
class BatchInProgress {
  readonly #part: StreamedPart;
  readonly #pool: DecodingPool;
  readonly #options: BatchOptions;
  readonly #indices: Int32Array;
  readonly #positions: Int32Array;
  readonly #slot: SharedArrayBuffer;
  readonly #views: SlotViews;
  readonly #decoded: Promise<BadRecord[]>;
  #cancelled = false;

  constructor(
    part: StreamedPart,
    pool: DecodingPool,
    positions: Int32Array,
    options: BatchOptions,
  ) {
    this.#part = part;
    this.#pool = pool;
    this.#options = options;
    this.#positions = positions;
    this.#indices = positions.map((position) => part.first + position);
    const imageSize = part.inputShape.reduce((product, n) => product * n, 1);
    this.#slot = part.slots.take(slotBytes(options.batchSize, imageSize));
    this.#views = slotViews(this.#slot, options.batchSize);
    this.#decoded = this.#decode();
    // Whoever waits for the batch hears of it; if nobody does, nobody needs to.
    this.#decoded.catch(() => {});
  }

  /** @throws for what couldn't be read, and for damaged records unless they are to be skipped */
  async finish(): Promise<Batch> {
    for (const record of await this.#decoded) this.#part.bad.add(record);
    const { images, labels } = this.#views;
    const rows = this.#indices.length;
    const used = images.subarray(0, (images.length / this.#options.batchSize) * rows);
    const batch = {
      images: tensorOfCopy(used, [rows, ...this.#part.inputShape]),
      labels: tensor1d(labels.slice(0, rows), 'int32'),
      indices: this.#indices,
    };
    this.#part.slots.give(this.#slot);
    return batch;
  }

  /** Nothing more is begun; the slot is free once what was begun is done. */
  cancel(): void {
    this.#cancelled = true;
    cancelRows(this.#slot, this.#options.batchSize);
    const giveBack = () => this.#part.slots.give(this.#slot);
    // Of a pool that failed, a worker may still be writing into it.
    this.#decoded.then(giveBack, () => {});
  }

  /** Decodes all rows, and as often as it takes substitutes for the damaged ones, which it returns. */
  async #decode(): Promise<BadRecord[]> {
    const { size, first, onBad } = this.#part;
    const { epoch, seed = 0 } = this.#options;
    const found: BadRecord[] = [];
    let rows = Int32Array.from(this.#indices.keys());
    for (let attempt = 0; ; attempt++) {
      const failed = await this.#decodeRows(rows);
      if (failed.length === 0 || this.#cancelled) return found;
      for (const { row, message, damaged } of failed.sort((a, b) => a.row - b.row)) {
        if (!damaged || onBad === 'error' || epoch === undefined) {
          throw new Error(`${this.#part.what}: ${message}`);
        }
        found.push({ index: this.#indices[row]!, message });
        const index = first + this.#positions[row]!;
        const chosen = substitute(index, size, { seed, epoch, attempt });
        if (chosen === undefined) {
          throw new Error(
            `${this.#part.what}: every record drawn in place of a damaged one is damaged too. The last one: ${message}`,
          );
        }
        this.#indices[row] = first + chosen;
      }
      rows = Int32Array.from(failed, ({ row }) => row);
    }
  }

  #decodeRows(rows: Int32Array): Promise<FailedRow[]> {
    this.#views.counters.fill(0);
    this.#views.holders.fill(0);
    const task = {
      indices: this.#indices,
      draws: this.#draw(),
      slot: this.#slot,
      batchSize: this.#options.batchSize,
    };
    return this.#pool.decode(task, this.#shares(rows));
  }

  /** Uniform numbers in [0, 1) by (seed, epoch, index), drawn here so that no worker needs more than them. */
  #draw(): Float64Array | undefined {
    const { augment = false, seed = 0, epoch = 0 } = this.#options;
    if (!augment) return undefined;
    const random = randomSource(seed).fork('augment', epoch).forExamples(this.#indices);
    const words = random.integers([this.#indices.length, this.#part.draws], 2 ** 31);
    return Float64Array.from(words, (word) => word / 2 ** 31);
  }

  #shares(rows: Int32Array): Int32Array[] {
    const { groupOf } = this.#part;
    if (!groupOf) return [rows];
    const { size } = this.#pool;
    return Array.from({ length: size }, (_, worker) =>
      rows.filter((row) => groupOf(this.#indices[row]!) % size === worker),
    );
  }
}
