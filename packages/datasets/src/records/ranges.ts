import { type FileHandle, open } from 'node:fs/promises';
import { maskedCrc32c } from './crc32c.ts';
import type { PackedNames } from './packed-names.ts';
import { RecordError } from './record-error.ts';
import type { CommonRecords, RecordReader } from './records.ts';

/** Records that are byte ranges of a few uncompressed files. */
export interface RangeRecords extends CommonRecords {
  readonly kind: 'ranges';
  readonly files: readonly string[];
  /** What each file was like when it was indexed: one that has changed is not read. */
  readonly stamps: readonly FileStamp[];
  /** `[size]`: which of `files`. */
  readonly file: Uint32Array;
  /** `[size]`: where the encoded image begins, in bytes. */
  readonly offset: Float64Array;
  /** `[size]`: its length in bytes. */
  readonly length: Uint32Array;
  readonly labels: Int32Array;
  /** The name of each image within its archive; empty where the form has none. */
  readonly names: PackedNames;
  /** TFRecord: the payload around each image, which a masked CRC32C follows. */
  readonly payloads?: { readonly offset: Float64Array; readonly length: Uint32Array };
}

/** Size and time of change of a file; without the time, any will do. */
export interface FileStamp {
  readonly size: number;
  readonly mtimeMs?: number;
}

/** Few enough for the usual limit of 1,024 open files, several threads included. */
const mostOpenFiles = 64;

/** @see openReader */
export function openRanges(records: RangeRecords): RecordReader {
  const files = new FilePool(records);
  return {
    read: async (index) => {
      if (records.length[index] === 0)
        throw damaged(records, index, 'the image is empty (0 bytes)');
      const bytes = records.payloads
        ? await readChecked(records, records.payloads, files, index)
        : await files.read(records.file[index]!, records.offset[index]!, records.length[index]!);
      return { bytes, label: records.labels[index]! };
    },
    close: () => files.close(),
  };
}

/** The image within a payload, after the payload's own checksum, which follows it, has been found right. */
async function readChecked(
  records: RangeRecords,
  payloads: NonNullable<RangeRecords['payloads']>,
  files: FilePool,
  index: number,
): Promise<Uint8Array> {
  const start = payloads.offset[index]!;
  const length = payloads.length[index]!;
  const bytes = await files.read(records.file[index]!, start, length + 4);
  const stored = new DataView(bytes.buffer, bytes.byteOffset + length, 4).getUint32(0, true);
  if (maskedCrc32c(bytes.subarray(0, length)) !== stored) {
    throw damaged(records, index, `the checksum of its record (at byte ${start}) is wrong`);
  }
  const from = records.offset[index]! - start;
  return bytes.subarray(from, from + records.length[index]!);
}

function damaged({ files, file, offset }: RangeRecords, index: number, what: string): RecordError {
  return new RecordError(
    `${files[file[index]!]}, record ${index} at byte ${offset[index]}: ${what}.`,
  );
}

/** Opens files as they are needed and keeps the most recently used ones. */
class FilePool {
  readonly #records: Pick<RangeRecords, 'files' | 'stamps'>;
  readonly #open = new Map<number, { handle: Promise<FileHandle>; readers: number }>();

  constructor(records: Pick<RangeRecords, 'files' | 'stamps'>) {
    this.#records = records;
  }

  async read(file: number, start: number, length: number): Promise<Uint8Array> {
    const entry = this.#entry(file);
    entry.readers++;
    try {
      const handle = await entry.handle;
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, length - done, start + done);
        if (bytesRead === 0) {
          throw new Error(
            `${this.#records.files[file]} ends at byte ${start + done}, within an image: it was cut short since it was indexed.`,
          );
        }
        done += bytesRead;
      }
      return bytes;
    } finally {
      entry.readers--;
    }
  }

  async close(): Promise<void> {
    const handles = [...this.#open.values()].map(({ handle }) => handle);
    this.#open.clear();
    const opened = await Promise.allSettled(handles);
    await Promise.all(
      opened.map((result) => result.status === 'fulfilled' && result.value.close()),
    );
  }

  #entry(file: number) {
    const known = this.#open.get(file);
    const entry = known ?? { handle: this.#opened(file), readers: 0 };
    // A Map keeps the order of insertion: the first entry is the one used longest ago.
    this.#open.delete(file);
    this.#open.set(file, entry);
    if (!known) this.#closeIdle(file);
    return entry;
  }

  #closeIdle(justOpened: number): void {
    for (const [file, { handle, readers }] of this.#open) {
      if (this.#open.size <= mostOpenFiles) return;
      if (readers > 0 || file === justOpened) continue;
      this.#open.delete(file);
      handle.then((opened) => opened.close()).catch(() => {});
    }
  }

  async #opened(file: number): Promise<FileHandle> {
    const path = this.#records.files[file]!;
    const stamp = this.#records.stamps[file]!;
    try {
      const handle = await open(path, 'r');
      const { size, mtimeMs } = await handle.stat();
      if (size === stamp.size && mtimeMs === (stamp.mtimeMs ?? mtimeMs)) return handle;
      await handle.close();
    } catch (cause) {
      this.#open.delete(file);
      throw cause;
    }
    this.#open.delete(file);
    throw new Error(`${path} has changed since it was indexed: open the data again.`);
  }
}
