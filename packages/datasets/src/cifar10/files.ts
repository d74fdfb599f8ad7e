import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { bytesPerRecord } from './records.ts';

/** The folder inside the archive. */
const archiveFolder = 'cifar-10-batches-bin';

const officialRecords = 10_000;

const wanted =
  'data_batch_1.bin to data_batch_5.bin and test_batch.bin, as unpacked from cifar-10-binary.tar.gz';

/**
 * The folder of the .bin files: the one given, or `cifar-10-batches-bin` in it.
 *
 * @throws when there is no such folder
 */
export async function findFolder(directory: string): Promise<string> {
  const given = resolve(directory);
  const found = await stat(given).catch(() => undefined);
  if (!found) throw new Error(`There is no folder ${given}: it should hold ${wanted}.`);
  if (!found.isDirectory()) {
    throw new Error(`${given} is not a folder: it should be one that holds ${wanted}.`);
  }
  const inner = join(given, archiveFolder);
  return (await isThere(inner)) ? inner : given;
}

/**
 * The records of one .bin file.
 *
 * @param partial - whether another number of records than the official 10,000 is wanted
 * @throws when the file is missing, or is not 10,000 whole records
 */
export async function readRecords(
  folder: string,
  name: string,
  partial: boolean,
): Promise<{ file: string; records: Uint8Array }> {
  const file = join(folder, name);
  const found = await stat(file).catch(() => undefined);
  if (!found) throw new Error(`${file} is missing: ${await whatIsWrong(folder)}`);
  const size = found.size.toLocaleString('en');
  if (found.size === 0 || found.size % bytesPerRecord !== 0) {
    throw new Error(
      `${file} is truncated or not CIFAR-10: ${size} bytes are not whole records of ${bytesPerRecord}.`,
    );
  }
  const count = found.size / bytesPerRecord;
  if (count !== officialRecords && !partial) {
    throw new Error(
      `${file} is incomplete or not CIFAR-10: it has ${count.toLocaleString('en')} records, not 10,000.`,
    );
  }
  return { file, records: await readFile(file) };
}

/**
 * The class names that a batches.meta.txt beside the records lists, if there is one.
 *
 * @throws when it doesn't list ten names
 */
export async function readClassNames(folder: string): Promise<readonly string[] | undefined> {
  const file = join(folder, 'batches.meta.txt');
  if (!(await isThere(file))) return undefined;
  const text = await readFile(file, 'utf8');
  const names = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (names.length === 10) return names;
  throw new Error(`${file} should list ten class names, one a line; it lists ${names.length}.`);
}

async function whatIsWrong(folder: string): Promise<string> {
  const pythons = ['cifar-10-batches-py', 'data_batch_1', 'test_batch'];
  const there = await Promise.all(pythons.map((name) => isThere(join(folder, name))));
  return there.includes(true)
    ? 'this is the Python version of CIFAR-10; the binary version (cifar-10-binary.tar.gz) is needed.'
    : `the folder should hold ${wanted}.`;
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
