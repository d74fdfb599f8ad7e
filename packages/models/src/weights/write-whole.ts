import { open, rename, rm } from 'node:fs/promises';

/** Writes a file whole or not at all: under a temporary name, flushed to disk, then renamed. */
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
