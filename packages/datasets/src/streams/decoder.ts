import { RecordError } from '../records/record-error.ts';
import { openReader, type RecordReader, type Records, whereabouts } from '../records/records.ts';
import { type DecodingTask, type FailedRow, type SlotViews, slotViews } from './decoding-task.ts';
import {
  type OpenPreprocessing,
  openPreprocessing,
  type PreprocessingChoice,
} from './open-preprocessing.ts';

/** What a decoder works with. Plain data, which can be posted to a worker. */
export interface DecoderSetup {
  readonly records: Records;
  readonly preprocessing: PreprocessingChoice;
}

interface Work {
  readonly task: DecodingTask;
  readonly views: SlotViews;
  readonly failed: FailedRow[];
  running: number;
  exhausted: boolean;
  readonly finish: (failed: FailedRow[]) => void;
}

/** How many records a thread reads and decodes at once: as many as libuv has threads to do it with. */
const inFlight = 4;

/** Reads and decodes records on the thread it is on, in the order of the tasks, several rows at once. */
export class Decoder {
  readonly #reader: RecordReader;
  readonly #preprocessing: OpenPreprocessing;
  readonly #records: Records;
  readonly #holder: number;
  readonly #queue: Work[] = [];
  #lanes = 0;

  /** @param worker - the number of this worker, under which it marks the rows it holds */
  static async open({ records, preprocessing }: DecoderSetup, worker = 0): Promise<Decoder> {
    const opened = await openPreprocessing(preprocessing);
    return new Decoder(records, await openReader(records), opened, worker + 1);
  }

  private constructor(
    records: Records,
    reader: RecordReader,
    preprocessing: OpenPreprocessing,
    holder: number,
  ) {
    this.#records = records;
    this.#reader = reader;
    this.#preprocessing = preprocessing;
    this.#holder = holder;
  }

  /** Resolves when none of the task's rows is left to take and those taken here are done. */
  run(task: DecodingTask): Promise<FailedRow[]> {
    return new Promise((finish) => {
      const views = slotViews(task.slot, task.batchSize);
      this.#queue.push({ task, views, failed: [], running: 0, exhausted: false, finish });
      for (let idle = inFlight - this.#lanes; idle > 0; idle--) void this.#lane();
    });
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  async #lane(): Promise<void> {
    this.#lanes++;
    for (let work = this.#queue[0]; work; work = this.#queue[0]) {
      const { task, views } = work;
      const row = task.rows[Atomics.add(views.counters, task.counter, 1)];
      if (row === undefined) {
        this.#queue.shift();
        work.exhausted = true;
      } else {
        work.running++;
        await this.#decode(work, row);
        work.running--;
      }
      if (work.exhausted && work.running === 0) work.finish(work.failed);
    }
    this.#lanes--;
  }

  async #decode({ task, views, failed }: Work, row: number): Promise<void> {
    Atomics.store(views.holders, row, this.#holder);
    const index = task.indices[row]!;
    try {
      const { bytes, label } = await this.#reader.read(index);
      assertLabel(label, this.#records.classNames.length);
      views.labels[row] = label;
      await this.#preprocess(bytes, task, views, row);
    } catch (error) {
      // The reader of a damaged record says itself where it lies.
      const damaged = error instanceof RecordError;
      const message = damaged ? error.message : this.#placed(index, error);
      failed.push({ row, message, damaged });
    }
    Atomics.store(views.holders, row, 0);
  }

  #placed(index: number, error: unknown): string {
    const what = error instanceof Error ? error.message : String(error);
    return `${whereabouts(this.#records, index)}: ${what}`;
  }

  async #preprocess(
    bytes: Uint8Array,
    { indices, draws: all, batchSize }: DecodingTask,
    { images }: SlotViews,
    row: number,
  ): Promise<void> {
    const { preprocess, draws } = this.#preprocessing;
    const size = images.length / batchSize;
    const into = images.subarray(row * size, (row + 1) * size);
    try {
      await preprocess(bytes, into, all?.subarray(row * draws, (row + 1) * draws));
    } catch (cause) {
      throw new RecordError(this.#placed(indices[row]!, cause), { cause });
    }
  }
}

/** A label out of range says that the data are not what they were taken for, so it is never skipped. */
function assertLabel(label: number, classes: number): void {
  if (Number.isInteger(label) && label >= 0 && label < classes) return;
  throw new Error(`its label is ${label}, but labels are 0 to ${classes - 1}.`);
}
