import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bytesIn } from './download.ts';
import { removeAbandoned } from './install.ts';
import { buildFolder, downloadFolder } from './recipe.ts';

/**
 * Removes the native engine, its build with CUDA included, and what unfinished installs left.
 *
 * @returns the bytes freed, 0 where there was nothing
 */
export function uninstallTensorFlow(): { bytes: number } {
  let bytes = 0;
  for (const folder of [buildFolder('cpu'), buildFolder('gpu'), downloadFolder()]) {
    if (!existsSync(folder)) continue;
    bytes += bytesIn(folder);
    // Out of the way at once, so that nobody loads a half of it.
    const removed = join(dirname(folder), `removed-${process.pid}`);
    renameSync(folder, removed);
    rmSync(removed, { recursive: true, force: true });
  }
  removeAbandoned();
  return { bytes };
}
