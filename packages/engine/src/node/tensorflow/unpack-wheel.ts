import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Entry, ZipFile } from 'yauzl';

/** A Python wheel: a zip file whose RECORD has the sha256 of every file in it. */
export interface Wheel {
  path: string;
  zip: ZipFile;
  entries: ReadonlyMap<string, Entry>;
}

/** Opens a wheel, calls `use`, and closes it. @throws where the file is no wheel, or not whole */
export async function withWheel<T>(path: string, use: (wheel: Wheel) => Promise<T>): Promise<T> {
  // Loaded when it is needed: every start of an engine would pay for it.
  const { openPromise } = await import('yauzl');
  let zip: ZipFile;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false });
  } catch (error) {
    throw new BrokenWheel(path, (error as Error).message);
  }
  try {
    return await use({ path, zip, entries: await entriesOf(zip) });
  } finally {
    zip.close();
  }
}

/** A file that is no wheel, or not whole. */
export class BrokenWheel extends Error {
  constructor(path: string, why: string) {
    super(`${path} is no wheel, or not whole (${why}). Get it again.`);
  }
}

const entriesOf = (zip: ZipFile) =>
  new Promise<Map<string, Entry>>((done, fail) => {
    const entries = new Map<string, Entry>();
    zip.on('entry', (entry) => {
      entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.on('error', fail);
    zip.on('end', () => done(entries));
    zip.readEntry();
  });

/** The text of the one file in the wheel's dist-info of that name. */
export async function readInfo(wheel: Wheel, name: 'RECORD' | 'METADATA'): Promise<string> {
  const path = [...wheel.entries.keys()].find((file) =>
    new RegExp(`^[^/]+\\.dist-info/${name}$`).test(file),
  );
  if (!path) throw new BrokenWheel(wheel.path, `it has no ${name}`);
  return text(await wheel.zip.openReadStreamPromise(wheel.entries.get(path)!));
}

/**
 * Takes the files that are wanted out of a wheel, and compares each with its sha256 in the wheel's RECORD.
 *
 * @throws where one differs, or where the wheel has none of them
 */
export async function unpackWheel(
  path: string,
  folder: string,
  wanted: (file: string) => boolean,
): Promise<void> {
  await withWheel(path, async (wheel) => {
    const hashes = hashesIn(await readInfo(wheel, 'RECORD'));
    const files = [...wheel.entries].filter(([file]) => !file.endsWith('/') && wanted(file));
    if (files.length === 0)
      throw new Error(`${path} holds none of the files that ${basename(folder)} needs from it.`);
    for (const [file, entry] of files) {
      const found = await unpack(wheel, entry, join(folder, file));
      if (found !== hashes.get(file))
        throw new BrokenWheel(path, `the sha256 of ${file} is not that of its RECORD`);
    }
  });
}

/** RECORD is lines such as `tensorflow/libtensorflow_cc.so.2,sha256=ZQWk…,788086608`. */
const hashesIn = (record: string) =>
  new Map(
    [...record.matchAll(/^"?([^",\r\n]+)"?,sha256=([\w-]+),\d*$/gm)].map(([, file, hash]) => [
      file!,
      hash!,
    ]),
  );

async function unpack({ path, zip }: Wheel, entry: Entry, target: string): Promise<string> {
  const hash = createHash('sha256');
  const listen = new Transform({
    transform(chunk, _encoding, next) {
      hash.update(chunk);
      next(null, chunk);
    },
  });
  mkdirSync(dirname(target), { recursive: true });
  try {
    await pipeline(await zip.openReadStreamPromise(entry), listen, createWriteStream(target));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw new Error(`The disk is full: ${target} could not be written.`);
    throw new BrokenWheel(path, message);
  }
  return hash.digest('base64url');
}
