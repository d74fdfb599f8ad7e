import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ReportInput } from './input.ts';
import { report } from './report.ts';

/**
 * Writes a report's page whole or not at all: under a temporary name beside it, then renamed. Makes the
 * folder where there is none.
 *
 * @throws as `report` does, before anything is written
 */
export async function writeReport(file: string, input: ReportInput): Promise<void> {
  const page = report(input);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(page);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new Error(`The report ${file} could not be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
