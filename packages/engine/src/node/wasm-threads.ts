import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import { Worker } from 'node:worker_threads';
import type { KernelBackend } from '@tensorflow/tfjs-core';
import { load, locate } from './installed-packages.ts';

/*
 * tfjs has a threaded WebAssembly module but takes it for a browser's: in Node it never starts it. The module
 * is emscripten's, a CommonJS script. Here it is given workers, a core count and a process of our own making
 * as it is evaluated, so that nothing global and no installed file is changed.
 */

const name = '@tensorflow/tfjs-backend-wasm';

type Call = (...args: number[]) => number;

interface WasmModule {
  cwrap(name: string, returns: 'number' | null, takes: readonly 'number'[]): Call;
  tfjs: Record<string, Call>;
}

type Factory = (options: { locateFile(path: string): string }) => Promise<WasmModule>;

interface TfjsWasm {
  BackendWasm: new (module: WasmModule) => KernelBackend;
  setThreadsCount(count: number): void;
  getThreadsCount(): number;
}

/** The longest that starting the threads may take, in ms. */
const patience = 20_000;

/**
 * A backend whose kernels share their work among `threads` threads, this one among them. Its other threads
 * never keep the process alive, and end with it.
 *
 * @throws what keeps the threads from starting
 */
export async function threadedBackend(threads: number): Promise<KernelBackend> {
  const pool = new WorkerPool();
  try {
    const module = await Promise.race([makeModule(threads, pool), pool.failure()]);
    const { BackendWasm, setThreadsCount, getThreadsCount } = load(name) as TfjsWasm;
    setThreadsCount(threads);
    const backend = new BackendWasm(module);
    if (getThreadsCount() !== threads) {
      backend.dispose();
      throw new Error(`it took ${getThreadsCount()} of ${threads} threads`);
    }
    return backend;
  } catch (error) {
    pool.end();
    throw error;
  } finally {
    pool.started();
  }
}

async function makeModule(threads: number, pool: WorkerPool): Promise<WasmModule> {
  const folder = join(dirname(locate(`${name}/package.json`)), 'wasm-out');
  const script = join(folder, 'tfjs-backend-wasm-threaded-simd.js');
  const factory = evaluate(script, threads, pool.newWorker);
  const module = await factory({ locateFile: (path) => join(folder, path) });
  module.tfjs = tfjsCalls(module);
  return module;
}

/** What tfjs's own start would have put on the module: the calls of its backend. */
function tfjsCalls(module: WasmModule): Record<string, Call> {
  return {
    init: module.cwrap('init', null, []),
    initWithThreadsCount: module.cwrap('init_with_threads_count', null, ['number']),
    getThreadsCount: module.cwrap('get_threads_count', 'number', []),
    registerTensor: module.cwrap('register_tensor', null, ['number', 'number', 'number']),
    disposeData: module.cwrap('dispose_data', null, ['number']),
    dispose: module.cwrap('dispose', null, []),
  };
}

function evaluate(script: string, threads: number, newWorker: NewWorker): Factory {
  const requireThere = createRequire(script);
  // It caps the threads at half the cores it sees.
  const stubs: Record<string, unknown> = {
    worker_threads: { Worker: newWorker },
    os: { cpus: () => Array(2 * threads) },
  };
  const surroundings = {
    module: { exports: undefined as unknown as Factory },
    exports: {},
    require: (wanted: string) => stubs[wanted] ?? requireThere(wanted),
    __filename: script,
    __dirname: dirname(script),
    // It would make Worker a global, and answer every uncaught error by throwing it again.
    global: {},
    Worker: newWorker,
    process: { versions: process.versions, argv: [], on: () => {}, hrtime: process.hrtime },
  };
  // It starts eight workers whatever the number of threads.
  const source = readFileSync(script, 'utf8').replace(
    /pthreadPoolSize=\d+/,
    `pthreadPoolSize=${threads - 1}`,
  );
  compileFunction(source, Object.keys(surroundings), { filename: script })(
    ...Object.values(surroundings),
  );
  return surroundings.module.exports;
}

type NewWorker = new () => EmscriptenWorker;

/** As much of a worker as emscripten uses. It also puts marks of its own on it. */
interface EmscriptenWorker {
  on(event: string, listener: (data: unknown) => void): void;
  postMessage(message: unknown): void;
  ref(): void;
  unref(): void;
  terminate(): void;
}

class WorkerPool {
  readonly #workers: Worker[] = [];
  #fail: (error: Error) => void = () => {};
  // Workers are unref'd as soon as they are loaded: this keeps the process alive until all have started.
  #timer: NodeJS.Timeout | undefined;

  /** Rejects when a worker fails, or the start takes too long. */
  failure(): Promise<never> {
    return new Promise((_, reject) => {
      this.#fail = reject;
      const late = () => reject(new Error(`its threads did not start within ${patience / 1000} s`));
      this.#timer = setTimeout(late, patience);
    });
  }

  started(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  readonly newWorker: NewWorker = (() => {
    const pool = this;
    // What the package calls its worker script is a module that exports the script.
    const { wasmWorkerContents } = load(
      `${name}/wasm-out/tfjs-backend-wasm-threaded-simd.worker.js`,
    ) as { wasmWorkerContents: string };
    const source = wasmWorkerContents.replace(/\n/g, '\\n');
    return class implements EmscriptenWorker {
      // Without the flags of this process, which may load things that a thread has no use for.
      readonly #worker = new Worker(source, { eval: true, execArgv: [] });
      constructor() {
        pool.#workers.push(this.#worker);
        this.#worker.on('error', (error) => pool.#fail(error));
      }
      on(event: string, listener: (data: unknown) => void): void {
        if (event === 'message') this.#worker.on('message', listener);
      }
      postMessage(message: unknown): void {
        this.#worker.postMessage(message);
      }
      /** Emscripten would keep the process alive for as long as a thread runs, and ours run for ever. */
      ref(): void {}
      unref(): void {
        this.#worker.unref();
      }
      terminate(): void {
        this.#worker.terminate();
      }
    };
  })();
}
