import { Worker } from 'node:worker_threads';
import { Decoder, type DecoderSetup } from './decoder.ts';
import { type DecodingTask, type FailedRow, slotViews } from './decoding-task.ts';

/** What decodes the batches of a source, on other threads or on this one. */
export interface DecodingPool {
  /** Among how many the rows of a batch are shared out. */
  readonly size: number;
  /** Why it can't be used any more. */
  readonly failure: Error | undefined;
  /**
   * @param shares - the rows of each worker; a single share is for all of them, taken as they come
   * @returns the rows that failed
   * @throws when a worker has died, or the pool was closed
   */
  decode(task: Omit<DecodingTask, 'rows' | 'counter'>, shares: Int32Array[]): Promise<FailedRow[]>;
  /** Waits for a batch; without this, workers don't keep the process alive. */
  waitFor<T>(batch: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export type WorkerRequest = { id: number; task: DecodingTask } | 'close';
export interface WorkerAnswer {
  id: number;
  failed: FailedRow[];
}

interface Pending {
  readonly task: Omit<DecodingTask, 'rows' | 'counter'>;
  readonly failed: FailedRow[];
  /** How many workers have still to answer. */
  missing: number;
  readonly resolve: (failed: FailedRow[]) => void;
  readonly reject: (error: Error) => void;
}

/** Marks a slot's rows as taken, so that what hasn't been begun is never done. */
export function cancelRows(slot: SharedArrayBuffer, batchSize: number): void {
  const { counters } = slotViews(slot, batchSize);
  for (let i = 0; i < counters.length; i++) Atomics.store(counters, i, batchSize);
}

/** Worker threads that decode batches together, and live until they are closed. */
export class WorkerPool implements DecodingPool {
  readonly size: number;
  readonly #workers: Worker[];
  readonly #pending = new Map<number, Pending>();
  readonly #whereabouts: (index: number) => string;
  readonly #exits: Promise<void>[];
  #next = 0;
  #waiting = 0;
  #failure: Error | undefined;
  #closing = false;

  /** @param whereabouts - of a record, for messages */
  constructor(setup: DecoderSetup, size: number, whereabouts: (index: number) => string) {
    this.size = size;
    this.#whereabouts = whereabouts;
    this.#workers = Array.from({ length: size }, (_, worker) => startWorker({ setup, worker }));
    this.#exits = this.#workers.map((thread, worker) => this.#watch(thread, worker));
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  decode(task: Omit<DecodingTask, 'rows' | 'counter'>, shares: Int32Array[]): Promise<FailedRow[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { task, failed: [], missing: this.size, resolve, reject });
      this.#workers.forEach((thread, worker) => {
        const counter = shares.length === 1 ? 0 : worker;
        const request = { id, task: { ...task, rows: shares[counter]!, counter } };
        thread.postMessage(request satisfies WorkerRequest);
      });
    });
  }

  async waitFor<T>(batch: Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) for (const worker of this.#workers) worker.ref();
    try {
      return await batch;
    } finally {
      if (--this.#waiting === 0) for (const worker of this.#workers) worker.unref();
    }
  }

  async close(): Promise<void> {
    this.#fail(new Error('The source was closed while it was being read.'));
    await this.waitFor(Promise.all(this.#exits));
  }

  #watch(thread: Worker, worker: number): Promise<void> {
    thread.unref();
    thread.on('message', (answer: WorkerAnswer) => this.#answered(answer));
    thread.on('error', (cause) => {
      const what = cause instanceof Error ? cause.message : String(cause);
      this.#fail(new Error(`A decoding worker failed${this.#holding(worker)}: ${what}`, { cause }));
    });
    return new Promise((resolve) => {
      thread.on('exit', (code) => {
        this.#fail(
          new Error(`A decoding worker ended (exit code ${code})${this.#holding(worker)}.`),
        );
        resolve();
      });
    });
  }

  #answered({ id, failed }: WorkerAnswer): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    pending.failed.push(...failed);
    if (--pending.missing > 0) return;
    this.#pending.delete(id);
    pending.resolve(pending.failed);
  }

  /** ', at work on …': the records that a worker had begun and not finished. */
  #holding(worker: number): string {
    const held = [...this.#pending.values()].flatMap(({ task }) => {
      const { holders } = slotViews(task.slot, task.batchSize);
      return [...task.indices].filter((_, row) => Atomics.load(holders, row) === worker + 1);
    });
    return held.length === 0 ? '' : `, at work on ${held.map(this.#whereabouts).join('; ')}`;
  }

  /** All that is under way is given up, and the workers are told to close. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { task, reject } of this.#pending.values()) {
      cancelRows(task.slot, task.batchSize);
      reject(error);
    }
    this.#pending.clear();
    if (this.#closing) return;
    this.#closing = true;
    for (const thread of this.#workers) {
      thread.postMessage('close' satisfies WorkerRequest);
      // One that waits for something that never comes is not waited for.
      const timer = setTimeout(() => void thread.terminate(), patience).unref();
      thread.once('exit', () => clearTimeout(timer));
    }
  }
}

/** The longest that a worker may take to finish the images it has begun, in ms. */
const patience = 5_000;

/** Decodes on this thread. */
export class ThisThread implements DecodingPool {
  readonly size = 1;
  failure: Error | undefined;
  readonly #decoder: Promise<Decoder>;

  constructor(setup: DecoderSetup) {
    this.#decoder = Decoder.open(setup);
    this.#decoder.catch((error: Error) => {
      this.failure = error;
    });
  }

  async decode(task: Omit<DecodingTask, 'rows' | 'counter'>, [rows]: Int32Array[]) {
    return (await this.#decoder).run({ ...task, rows: rows!, counter: 0 });
  }

  waitFor<T>(batch: Promise<T>): Promise<T> {
    return batch;
  }

  async close(): Promise<void> {
    await (await this.#decoder).close();
  }
}

function startWorker(workerData: { setup: DecoderSetup; worker: number }): Worker {
  const name = 'llr-decoding';
  // The build has the worker beside every other file of it.
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./decoding-worker.js', import.meta.url), { name, workerData });
  }
  // A worker doesn't inherit the loader that this process reads TypeScript with.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const script = JSON.stringify(new URL('./decoding-worker.ts', import.meta.url).href);
  return new Worker(
    `import(${loader}).then(({ register }) => { register(); return import(${script}); })`,
    { name, workerData, eval: true, execArgv: ['--conditions', '@llr/source'] },
  );
}
