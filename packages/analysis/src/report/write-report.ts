import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeWhole } from '@llr/models';
import type { ReportInput } from './input.ts';
import { report } from './report.ts';

/**
 * Writes a report's page whole or not at all. Makes the folder where there is none.
 *
 * @throws as `report` does, before anything is written
 */
export async function writeReport(file: string, input: ReportInput): Promise<void> {
  const page = Buffer.from(report(input));
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeWhole(file, [page]);
  } catch (error) {
    throw new Error(`The report ${file} could not be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
