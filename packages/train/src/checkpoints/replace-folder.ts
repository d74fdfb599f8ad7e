import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What the names of folders that are being written, or are being removed, end in. */
export const unfinished = '.tmp';

/**
 * Writes a folder whole or not at all: under a temporary name beside it, flushed to disk, then renamed. One that was
 * there before is replaced when the new one is complete.
 *
 * @param fill - writes the files, each of them flushed to disk, into the folder it is given
 * @throws what the file system or `fill` does; the folder that was there before then stays as it was
 */
export async function replaceFolder(
  folder: string,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(folder);
  try {
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    await syncFolder(temporary);
    await takePlace(temporary, folder);
    await syncFolder(dirname(folder));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Removes a folder, which is never seen with a part of its files. */
export async function removeFolder(folder: string): Promise<void> {
  const temporary = temporaryName(folder);
  await rename(folder, temporary);
  await rm(temporary, { recursive: true, force: true });
}

/** A folder can't be renamed to the name of one that has files: that one has to go first. */
async function takePlace(temporary: string, folder: string): Promise<void> {
  const old = temporaryName(folder);
  const existed = await rename(folder, old).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(temporary, folder);
  } catch (error) {
    if (existed) await rename(old, folder);
    throw error;
  }
  if (existed) await rm(old, { recursive: true, force: true });
}

const temporaryName = (folder: string) => `${folder}.${crypto.randomUUID()}${unfinished}`;

/** Flushes the names in a folder to disk. Windows, which can't open folders, does so by itself. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
