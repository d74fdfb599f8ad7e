import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nvidiaDriver } from '../nvidia.ts';
import type { Build } from './manifest.ts';
import { prove } from './prove.ts';

const name = 'gpu-proof.json';

/** Notes that a build computed on a GPU under the driver in force. */
export function rememberProof(folder: string): void {
  writeFileSync(join(folder, name), JSON.stringify({ driver: nvidiaDriver() }));
}

function provenDriver(folder: string): string | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8')).driver;
  } catch {
    return undefined;
  }
}

/**
 * What keeps a build with CUDA from computing on a GPU here, or undefined. Under a driver that is new to it, it is tried
 * in a process of its own: once TensorFlow is loaded, no other can be loaded in its place.
 */
export async function gpuObstacle({ folder }: Build): Promise<string | undefined> {
  const driver = nvidiaDriver();
  if (!driver) return 'no NVIDIA driver';
  const { CUDA_VISIBLE_DEVICES } = process.env;
  if (CUDA_VISIBLE_DEVICES === '' || CUDA_VISIBLE_DEVICES === '-1')
    return 'CUDA_VISIBLE_DEVICES hides every GPU';
  if (provenDriver(folder) === driver) return undefined;
  try {
    if (!(await prove(folder, 'gpu')).gpu)
      return `it finds no GPU that it can use (driver ${driver})`;
  } catch (error) {
    return (error as Error).message;
  }
  try {
    rememberProof(folder);
  } catch {
    // A cache that can't be written to: it is tried again the next time.
  }
  return undefined;
}
