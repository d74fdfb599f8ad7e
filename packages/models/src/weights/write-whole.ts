import { open, rename, rm } from 'node:fs/promises';

/** The bytes of a file, one after the other; they are never joined in memory. */
export type FileParts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Writes a file whole or not at all: under a temporary name in its folder, flushed to disk, then renamed.
 *
 * @throws what the file system does, or what making the parts does; the file that was there before then stays
 *   as it was
 */
export async function writeWhole(file: string, parts: FileParts): Promise<void> {
  await replaceFile(file, parts);
}

/**
 * Does the same, with something to be done when all is written and only the file's name is missing.
 *
 * @throws as `writeWhole` does, and what `ready` does
 */
export async function replaceFile(
  file: string,
  parts: FileParts,
  ready: () => Promise<void> = async () => {},
): Promise<void> {
  const temporary = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'w');
    try {
      for await (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await ready();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
