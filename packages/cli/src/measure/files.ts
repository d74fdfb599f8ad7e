import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { rasterize } from '@llr/analysis';
import { writeWhole } from '@llr/models';
import { writeJson } from '@llr/train';
import type { Format } from './options.ts';

/** A measurement in the forms it can be written in. */
export interface Forms {
  json?: unknown;
  csv?: string;
  svg?: string;
}

/**
 * Writes a measurement in the formats wanted, each file whole or not at all; a PNG is made of the SVG.
 *
 * @param stem - the files' name without its ending
 * @returns the files
 */
export async function writeForms(
  folder: string,
  stem: string,
  { json, csv, svg }: Forms,
  formats: readonly Format[],
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const file = (format: Format) => join(folder, `${stem}.${format}`);
  const written: string[] = [];
  const write = async (format: Format, bytes: () => Promise<Uint8Array>) => {
    await writeWhole(file(format), [await bytes()]);
    written.push(file(format));
  };
  const wanted = (format: Format, form: unknown) => form !== undefined && formats.includes(format);
  if (wanted('json', json)) {
    await writeJson(file('json'), json);
    written.push(file('json'));
  }
  if (wanted('csv', csv)) await write('csv', async () => Buffer.from(csv!));
  if (wanted('svg', svg)) await write('svg', async () => Buffer.from(svg!));
  if (wanted('png', svg)) await write('png', () => rasterize(svg!));
  return written;
}
