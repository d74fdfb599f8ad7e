/** Rows of one batch to decode into a slot. Plain data: it is posted to workers, which all get the same but for `rows` and `counter`. */
export interface DecodingTask {
  /** `[b]`: the record that each row is to hold. */
  readonly indices: Int32Array;
  /** `[b, draws]`: the random numbers of each row; absent for the evaluation form. */
  readonly draws: Float64Array | undefined;
  readonly slot: SharedArrayBuffer;
  /** How many rows the slot was laid out for. */
  readonly batchSize: number;
  /** The rows that may be taken, in this order. Those who share them share a counter. */
  readonly rows: Int32Array;
  readonly counter: number;
}

/** A row that couldn't be decoded. */
export interface FailedRow {
  readonly row: number;
  /** Where its record lies and what is wrong. */
  readonly message: string;
  /** Whether it is this record that is damaged, and not what it is read from. */
  readonly damaged: boolean;
}

/** The parts of a slot: the shared memory that one batch is decoded into. */
export interface SlotViews {
  /** `[b · h · w · c]` */
  readonly images: Float32Array;
  /** `[b]` */
  readonly labels: Int32Array;
  /** `[b]`: 0, or 1 + the number of the worker that is decoding the row. */
  readonly holders: Int32Array;
  /** How many of the rows that belong to a counter have been taken. */
  readonly counters: Int32Array;
}

/** More workers than this can't be asked for. */
export const mostWorkers = 64;

export const slotBytes = (batchSize: number, imageSize: number) =>
  4 * (batchSize * (imageSize + 2) + mostWorkers);

export function slotViews(slot: SharedArrayBuffer, batchSize: number): SlotViews {
  const afterImages = slot.byteLength - 4 * (2 * batchSize + mostWorkers);
  return {
    images: new Float32Array(slot, 0, afterImages / 4),
    labels: new Int32Array(slot, afterImages, batchSize),
    holders: new Int32Array(slot, afterImages + 4 * batchSize, batchSize),
    counters: new Int32Array(slot, afterImages + 8 * batchSize, mostWorkers),
  };
}
