import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileStamp, RangeRecords } from './ranges.ts';

/** Changed whenever an index of an older version must not be used. */
const version = 1;
const magic = 'llr-index';

/**
 * The records of some files from an index that was kept, or from `build`, whose result is then kept. An index
 * is good for the same files (paths, sizes, times of change) and the same `purpose`. A damaged or older one is
 * built anew; one that can't be kept (a full disk) costs nothing but time.
 *
 * @param options.purpose - everything besides the files that the index depends on
 */
export async function withIndexCache(
  {
    files,
    purpose,
    cacheFolder,
  }: { files: readonly string[]; purpose: string; cacheFolder: string },
  build: () => Promise<RangeRecords>,
): Promise<RangeRecords> {
  const path = indexPath(cacheFolder, files, purpose);
  const kept = await readIndex(path, files, purpose);
  if (kept) return kept;
  const records = await build();
  await writeIndex(path, records, purpose).catch(() => {});
  return records;
}

function indexPath(cacheFolder: string, files: readonly string[], purpose: string): string {
  const key = createHash('sha256')
    .update(JSON.stringify([version, purpose, files]))
    .digest('hex');
  return join(cacheFolder, 'indexes', `${key.slice(0, 32)}.index`);
}

type Header = Pick<
  RangeRecords,
  'form' | 'size' | 'classNames' | 'skipped' | 'files' | 'stamps'
> & {
  purpose: string;
  nameBytes: number;
  payloads: boolean;
};

type Column = Uint8Array | Uint32Array | Int32Array | Float64Array;

/** Every column of some records, in the order in which an index holds them. */
function columnsOf(records: RangeRecords): Column[] {
  const { file, offset, length, labels, names, payloads } = records;
  const columns = [offset, names.ends, file, length, labels, names.bytes];
  return payloads ? [payloads.offset, payloads.length, ...columns] : columns;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Column) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** `magic JSON\n`, then the columns, then the SHA-256 of it all; written whole or not at all. */
async function writeIndex(path: string, records: RangeRecords, purpose: string): Promise<void> {
  const { form, size, classNames, skipped, files, stamps, names } = records;
  const header: Header = {
    ...{ form, size, classNames, skipped, files, stamps, purpose },
    nameBytes: names.bytes.length,
    payloads: records.payloads !== undefined,
  };
  const parts = [Buffer.from(`${magic} ${JSON.stringify(header)}\n`)];
  for (const column of columnsOf(records)) parts.push(Buffer.from(bytesOf(column)));
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  parts.push(hash.digest());
  await mkdir(join(path, '..'), { recursive: true });
  const part = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(part, parts, { flush: true });
    await rename(part, path);
  } finally {
    await rm(part, { force: true });
  }
}

async function readIndex(
  path: string,
  files: readonly string[],
  purpose: string,
): Promise<RangeRecords | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes || bytes.length < 32) return undefined;
  const body = bytes.subarray(0, -32);
  const isWhole = createHash('sha256').update(body).digest().equals(bytes.subarray(-32));
  if (!isWhole || body.toString('latin1', 0, magic.length) !== magic) return undefined;
  const headerEnd = body.indexOf(0x0a);
  const header: Header = JSON.parse(body.toString('utf8', magic.length, headerEnd));
  const isSame =
    header.purpose === purpose &&
    header.files.join('\0') === files.join('\0') &&
    (await unchanged(header.files, header.stamps));
  if (!isSame) return undefined;
  const { purpose: _, nameBytes, payloads, ...common } = header;
  const { size } = header;
  const records: RangeRecords = {
    kind: 'ranges',
    ...common,
    file: new Uint32Array(new SharedArrayBuffer(4 * size)),
    offset: new Float64Array(new SharedArrayBuffer(8 * size)),
    length: new Uint32Array(new SharedArrayBuffer(4 * size)),
    labels: new Int32Array(new SharedArrayBuffer(4 * size)),
    names: {
      bytes: new Uint8Array(new SharedArrayBuffer(nameBytes)),
      ends: new Float64Array(new SharedArrayBuffer(8 * size)),
    },
    ...(payloads && {
      payloads: {
        offset: new Float64Array(new SharedArrayBuffer(8 * size)),
        length: new Uint32Array(new SharedArrayBuffer(4 * size)),
      },
    }),
  };
  let position = headerEnd + 1;
  for (const column of columnsOf(records)) {
    bytesOf(column).set(body.subarray(position, position + column.byteLength));
    position += column.byteLength;
  }
  return records;
}

async function unchanged(files: readonly string[], stamps: readonly FileStamp[]): Promise<boolean> {
  const found = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return found.every(
    (now, i) => now?.size === stamps[i]?.size && now?.mtimeMs === stamps[i]?.mtimeMs,
  );
}
