import { dirname, join } from 'node:path';
import { load, locate } from './installed-packages.ts';

const name = '@tensorflow/tfjs-backend-wasm';

export interface WasmOptions {
  /** How many threads the kernels may use; chosen by the machine when left out. */
  threads?: number;
}

/** Registers tfjs's WebAssembly backend, or throws what keeps it from being registered. */
export async function loadWasm(_options: WasmOptions = {}): Promise<void> {
  const { setWasmPaths } = load(name) as { setWasmPaths(folder: string): void };
  setWasmPaths(`${join(dirname(locate(`${name}/package.json`)), 'dist')}/`);
}
