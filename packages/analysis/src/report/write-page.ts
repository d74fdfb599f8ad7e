import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeWhole } from '@llr/models';

/** Writes a page whole or not at all; makes the folder where there is none. */
export async function writePage(file: string, what: string, page: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeWhole(file, [Buffer.from(page)]);
  } catch (error) {
    throw new Error(`The ${what} ${file} could not be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
