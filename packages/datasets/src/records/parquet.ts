import { type FileHandle, open } from 'node:fs/promises';
import { type AsyncBuffer, type FileMetaData, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetFooter } from '../parquet-footer.ts';
import { isUrl, remoteSize, requestRange } from './http.ts';
import { RecentlyUsed } from './recently-used.ts';
import { RecordError } from './record-error.ts';
import type { CommonRecords, RecordReader } from './records.ts';
import { placeInRuns, runOf, runStarts } from './runs.ts';

/** Records that are rows of parquet files, as Hugging Face keeps images; a run is a row group. */
export interface ParquetRecords extends CommonRecords {
  readonly kind: 'parquet';
  /** Paths or URLs. */
  readonly files: readonly string[];
  /** The size of each file in bytes. */
  readonly fileSizes: readonly number[];
  /** How many row groups each file has. */
  readonly groups: readonly number[];
  readonly runs: readonly number[];
  /** The size of each row group's images in memory, in bytes. */
  readonly runBytes: readonly number[];
  readonly columns: { readonly image: string; readonly label: string };
}

/** A shuffle goes over a few row groups at a time; their images are kept decoded to their encoded bytes. */
const keptGroups = { most: 16, mostBytes: 512 << 20 };
const filesAtOnce = 8;
/** A row group's page can't be taken apart: a larger one than this would not fit into memory anyway. */
const largestGroup = 2 ** 32;

/**
 * Finds the rows of parquet files: a column of structs with `bytes` (and `path`), and a column of whole
 * numbers. Of each file only its footer is read, and of local ones the labels.
 *
 * @param files - paths or URLs, in the order of the records
 * @throws an error that names the file: no parquet file, or one that was cut short; no such columns; row
 *   groups that lie outside of it; a label that is no class (−1 where they are kept secret)
 */
export async function parquetRecords(
  files: readonly string[],
  classNames: readonly string[],
  { fileSizes = [] }: { fileSizes?: readonly number[] } = {},
): Promise<ParquetRecords> {
  const footers: Footer[] = [];
  for (let first = 0; first < files.length; first += filesAtOnce) {
    const some = files.slice(first, first + filesAtOnce);
    footers.push(
      ...(await Promise.all(
        some.map((file, i) => readFooter(file, fileSizes[first + i], classNames)),
      )),
    );
  }
  const columns = footers[0]?.columns ?? { image: 'image', label: 'label' };
  const other = footers.findIndex(
    (footer) => footer.columns.image !== columns.image || footer.columns.label !== columns.label,
  );
  if (other >= 0) throw new Error(`${files[other]}: its columns are not those of ${files[0]}.`);
  const runs = footers.flatMap((footer) => footer.rows);
  const size = runs.reduce((sum, rows) => sum + rows, 0);
  const known = footers.every((footer) => footer.labels);
  const labels = new Int32Array(new SharedArrayBuffer(4 * size));
  let row = 0;
  for (const footer of footers) {
    labels.set(footer.labels ?? [], known ? row : 0);
    row += footer.labels?.length ?? 0;
  }
  return {
    ...{ kind: 'parquet', form: 'parquet', size, classNames, skipped: 0, runs, columns, files },
    ...(known && { labels }),
    fileSizes: footers.map((footer) => footer.size),
    groups: footers.map((footer) => footer.rows.length),
    runBytes: footers.flatMap((footer) => footer.bytes),
  };
}

/** @see openReader */
export function openParquet(records: ParquetRecords): RecordReader {
  const { files, fileSizes, runs, runBytes, columns, classNames } = records;
  const starts = startsOf(records);
  const opened = files.map((file, i) => openFile(file, fileSizes[i]!));
  const metadata = new RecentlyUsed<FileMetaData>({
    most: 64,
    mostBytes: Number.POSITIVE_INFINITY,
  });
  const groupsRead = new RecentlyUsed<Row[]>(keptGroups);
  return {
    read: async (index) => {
      const { run, row } = placeInRuns(starts.runs, index);
      const rows = await groupsRead.get(run, runBytes[run]!, async () => {
        const file = runOf(starts.groups, run);
        const found = await metadata.get(file, 0, () => footerOf(opened[file]!));
        const rowStart = starts.runs[run]! - starts.files[file]!;
        return readRows(opened[file]!, found, columns, rowStart, rowStart + runs[run]!);
      });
      const { bytes, label } = rows[row] ?? {};
      const place = () => placeOf(records, starts, index);
      if (!(bytes instanceof Uint8Array)) throw new RecordError(`${place()} has no image.`);
      if (bytes.length === 0) throw new RecordError(`${place()}: the image is empty (0 bytes).`);
      // A view of the decompressed page: the copy can be handed on and leaves the page free.
      return { bytes: bytes.slice(), label: checkedLabel(label, classNames.length, place) };
    },
    close: async () => {
      groupsRead.clear();
      await Promise.all(opened.map((file) => file.close()));
    },
  };
}

/** Where a row lies: file and number of the row. */
export const parquetPlace = (records: ParquetRecords, index: number): string =>
  placeOf(records, startsOf(records), index);

/** Which record each row group and each file begins with, and each file's first row group. */
interface Starts {
  readonly runs: Float64Array;
  readonly groups: Float64Array;
  readonly files: Float64Array;
}

function startsOf(records: ParquetRecords): Starts {
  const runs = runStarts(records.runs);
  const groups = runStarts(records.groups);
  return { runs, groups, files: groups.map((group) => runs[group]!) };
}

function placeOf({ files }: ParquetRecords, starts: Starts, index: number): string {
  const { run: file, row } = placeInRuns(starts.files, index);
  return `${files[file]}, row ${row}`;
}

interface Row {
  bytes: unknown;
  label: unknown;
}

interface Footer {
  size: number;
  rows: number[];
  bytes: number[];
  columns: { image: string; label: string };
  labels?: number[];
}

async function readFooter(
  path: string,
  knownSize: number | undefined,
  classNames: readonly string[],
): Promise<Footer> {
  const size = knownSize ?? (await sizeOf(path));
  const file = openFile(path, size);
  try {
    const metadata = await footerOf(file);
    const columns = columnsOf(metadata, path);
    const rows = metadata.row_groups.map((group) => Number(group.num_rows));
    const bytes = metadata.row_groups.map((group, i) =>
      checkedGroup(group, size, `${path}, row group ${i}`),
    );
    const labels = isUrl(path)
      ? undefined
      : await readLabels(file, metadata, columns.label, classNames);
    return { size, rows, bytes, columns, ...(labels && { labels }) };
  } finally {
    await file.close();
  }
}

async function readLabels(
  file: OpenFile,
  metadata: FileMetaData,
  column: string,
  classNames: readonly string[],
): Promise<number[]> {
  const rows = await explained(file, () =>
    parquetReadObjects({ file, metadata, columns: [column], compressors, utf8: false }),
  );
  return rows.map((row, i) =>
    checkedLabel(row[column], classNames.length, () => `${file.path}, row ${i}`),
  );
}

async function readRows(
  file: OpenFile,
  metadata: FileMetaData,
  { image, label }: ParquetRecords['columns'],
  rowStart: number,
  rowEnd: number,
): Promise<Row[]> {
  const rows = await explained(file, () =>
    parquetReadObjects({
      ...{ file, metadata, columns: [image, label], rowStart, rowEnd, compressors, utf8: false },
    }),
  );
  return rows.map((row) => ({
    bytes: (row[image] as { bytes?: unknown } | null)?.bytes,
    label: row[label],
  }));
}

function checkedLabel(value: unknown, classes: number, place: () => string): number {
  const label = Number(value);
  if (Number.isInteger(label) && label >= 0 && label < classes) return label;
  const hint = label === -1 ? ' (the labels of a test split are kept secret)' : '';
  throw new RecordError(
    `${place()}: the label should be 0 to ${classes - 1}; it is ${value}${hint}.`,
  );
}

/** The size of a row group in memory, after its columns have been found to lie within the file. */
function checkedGroup(
  { columns, num_rows }: FileMetaData['row_groups'][number],
  fileSize: number,
  place: string,
): number {
  let bytes = 0;
  for (const { meta_data } of columns) {
    const start = Number(meta_data?.dictionary_page_offset || meta_data?.data_page_offset);
    const end = start + Number(meta_data?.total_compressed_size);
    if (!(start >= 0 && end >= start && end <= fileSize)) {
      throw new Error(
        `${place}: its bytes ${start} to ${end} should lie in a file of ${fileSize}: damaged.`,
      );
    }
    bytes += Number(meta_data?.total_uncompressed_size);
  }
  if (!(bytes >= 0 && bytes < largestGroup && Number(num_rows) >= 0)) {
    throw new Error(`${place}: ${num_rows} rows in ${bytes} bytes are too many, or damaged.`);
  }
  return bytes;
}

/** The column of structs with `bytes`, and the column `label`. */
function columnsOf(metadata: FileMetaData, path: string): ParquetRecords['columns'] {
  const { children } = parquetSchema(metadata);
  const image = children.find((column) =>
    column.children.some(({ element }) => element.name === 'bytes'),
  );
  const label = children.find(({ element }) => element.name === 'label');
  if (image && label) return { image: image.element.name, label: 'label' };
  const names = children.map(({ element }) => element.name).join(', ');
  throw new Error(
    `${path} should have a column of images (structs with bytes) and a column label; it has ${names || 'none'}.`,
  );
}

interface OpenFile extends AsyncBuffer {
  readonly path: string;
  close(): Promise<void>;
}

const footerOf = (file: OpenFile) => explained(file, () => parquetFooter(file));

async function explained<T>(file: OpenFile, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const { message } = cause as Error;
    if (message.includes(file.path)) throw cause;
    throw new Error(`${file.path}: this parquet file can't be read: ${message}.`, { cause });
  }
}

/** A file or URL of which parts are read. Opened when first read from. */
function openFile(path: string, byteLength: number): OpenFile {
  let handle: Promise<FileHandle> | undefined;
  const assertWithin = (start: number, end: number) => {
    if (start >= 0 && end >= start && end <= byteLength) return;
    throw new Error(`${path} should have bytes ${start} to ${end}, but has only ${byteLength}`);
  };
  if (isUrl(path)) {
    return {
      path,
      byteLength,
      slice: async (start, end = byteLength) => {
        assertWithin(start, end);
        return end === start ? new ArrayBuffer(0) : requestRange(path, start, end);
      },
      close: async () => {},
    };
  }
  return {
    path,
    byteLength,
    slice: async (start, end = byteLength) => {
      assertWithin(start, end);
      handle ??= openUnchanged(path, byteLength);
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await (await handle).read(bytes, 0, bytes.length, start);
      if (bytesRead < bytes.length) {
        throw new Error(`${path} ends at byte ${start + bytesRead}: it was cut short`);
      }
      return bytes.buffer;
    },
    close: async () => {
      await handle?.then(
        (opened) => opened.close(),
        () => {},
      );
    },
  };
}

async function openUnchanged(path: string, size: number): Promise<FileHandle> {
  const handle = await open(path, 'r');
  if ((await handle.stat()).size === size) return handle;
  await handle.close();
  throw new Error(`${path} has changed since its footer was read: open the data again.`);
}

async function sizeOf(path: string): Promise<number> {
  if (isUrl(path)) return remoteSize(path);
  const handle = await open(path, 'r');
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}
