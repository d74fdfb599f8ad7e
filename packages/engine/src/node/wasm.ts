import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { engine, registerBackend, removeBackend } from '@tensorflow/tfjs-core';
import { load, locate } from './installed-packages.ts';
import { threadedBackend } from './wasm-threads.ts';

const name = '@tensorflow/tfjs-backend-wasm';

/**
 * Threads wait for one another by spinning: two on two free cores are 1.2 to 1.3 times as fast as one, but
 * with another process on one of them half as fast. So a core is left free, and few are taken.
 */
const defaultThreads = () => Math.max(1, Math.min(availableParallelism() - 1, 4));

/** How the WebAssembly backend runs. */
export interface WasmThreads {
  /** The threads its kernels share their work among, the calling one included. */
  threads: number;
  /** Why it is not as many as were asked for. */
  reason?: string;
}

let running: WasmThreads | undefined;

/** How the WebAssembly backend that `loadWasm` registered runs; undefined before that. */
export const wasmThreads = (): WasmThreads | undefined => running;

/**
 * Registers tfjs's WebAssembly backend: with `threads` threads (default: one a core but one, at most 4), or with one
 * where more can't be started. The first call in a process decides; `wasmThreads` says what came of it.
 *
 * @throws RangeError when `threads` is not a positive integer; what keeps the backend from being registered
 */
export async function loadWasm(options: { threads?: number } = {}): Promise<void> {
  const wanted = options.threads ?? defaultThreads();
  if (!Number.isInteger(wanted) || wanted < 1) {
    throw new RangeError(`threads is ${wanted}; it must be a positive integer.`);
  }
  running ??= await start(wanted);
  if (options.threads === undefined || running.threads === wanted || running.reason) return;
  running = { ...running, reason: `it already runs with ${running.threads}` };
}

async function start(threads: number): Promise<WasmThreads> {
  const { setWasmPaths } = load(name) as { setWasmPaths(folder: string): void };
  if ('wasm' in engine().registry) return { threads: 1, reason: 'it was started before' };
  setWasmPaths(`${join(dirname(locate(`${name}/package.json`)), 'dist')}/`);
  if (threads === 1) return { threads };
  try {
    const backend = await threadedBackend(threads);
    removeBackend('wasm');
    registerBackend('wasm', () => backend, 2);
    return { threads };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return { threads: 1, reason: `${threads} threads can't be started: ${cause}` };
  }
}
