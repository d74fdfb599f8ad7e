import type { ReportInput } from './input.ts';
import { report } from './report.ts';
import { writePage } from './write-page.ts';

/**
 * Writes a report's page whole or not at all. Makes the folder where there is none.
 *
 * @throws as `report` does, before anything is written
 */
export async function writeReport(file: string, input: ReportInput): Promise<void> {
  await writePage(file, 'report', report(input));
}
