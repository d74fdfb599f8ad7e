import { open, rename, rm } from 'node:fs/promises';

/**
 * Writes a file whole or not at all: under a temporary name in its folder, flushed to disk, then renamed.
 *
 * @param parts - the bytes, one after the other; they are never joined in memory
 * @throws what the file system does; the file that was there before then stays as it was
 */
export async function writeWhole(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'w');
    try {
      for (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
