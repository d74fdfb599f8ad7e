import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type FileRecords,
  imageFolderRecords,
  type RecordSource,
  type RecordSourceOptions,
  recordSource,
} from '@llr/datasets';
import { onTestFinished } from 'vitest';
import { imageSize, type RawOptions } from './raw-preprocessing.ts';

const module = new URL('./raw-preprocessing.ts', import.meta.url).href;

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'llr-streams-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** What record i holds: its number in the second and third byte. The first has a meaning. */
export const bytesOf = (i: number, first = 0) =>
  Uint8Array.from({ length: imageSize }, (_, k) =>
    k === 0 ? first : k === 1 ? i % 256 : k === 2 ? i >> 8 : (i * 31 + k * 7) % 256,
  );

/** n records in files of their own, of 3 classes; `firstBytes` of some of them. */
export async function rawRecords(
  n: number,
  firstBytes: Record<number, number> = {},
): Promise<FileRecords> {
  const directory = temporaryFolder();
  const classes = 3;
  const each = Math.ceil(n / classes);
  for (let i = 0; i < n; i++) {
    const folder = join(directory, `class-${Math.floor(i / each)}`);
    mkdirSync(folder, { recursive: true });
    const name = `${String(i).padStart(5, '0')}.ppm`;
    writeFileSync(join(folder, name), bytesOf(i, firstBytes[i]));
  }
  return imageFolderRecords({ directory });
}

/** A source of raw records that ends with the test. */
export async function rawSource(
  records: FileRecords,
  { raw, ...options }: Partial<RecordSourceOptions> & { raw?: RawOptions } = {},
): Promise<RecordSource> {
  const preprocessing = { module, options: raw };
  const source = await recordSource({
    name: 'raw',
    split: 'train',
    records,
    preprocessing,
    ...options,
  });
  onTestFinished(() => source.close());
  return source;
}
