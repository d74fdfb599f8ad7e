import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { bytesIn } from './download.ts';
import { removeAbandoned } from './install.ts';

/**
 * Removes every build of the native engine, with CUDA and of earlier versions too, and what unfinished installs left.
 *
 * @returns the bytes freed, 0 where there was nothing
 */
export function uninstallTensorFlow(): { bytes: number } {
  let bytes = 0;
  for (const folder of ours()) {
    bytes += bytesIn(folder);
    // Out of the way at once, so that nobody loads a half of it.
    const removed = join(dirname(folder), `removed-${process.pid}`);
    renameSync(folder, removed);
    rmSync(removed, { recursive: true, force: true });
  }
  removeAbandoned();
  return { bytes };
}

const ours = () =>
  (existsSync(cacheFolder()) ? readdirSync(cacheFolder()) : [])
    .filter((name) => /^(tensorflow|downloads)-\d/.test(name))
    .map((name) => join(cacheFolder(), name));
