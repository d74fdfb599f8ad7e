import { join } from 'node:path';
import { type FileRecords, openFiles } from './image-folder.ts';
import { nameAt } from './packed-names.ts';
import { openParquet, type ParquetRecords, parquetPlace } from './parquet.ts';
import { openRanges, type RangeRecords } from './ranges.ts';
import { openRemoteTars, type RemoteTarRecords } from './remote-tars.ts';
import { placeInRuns, runStarts } from './runs.ts';

/**
 * Encoded images with labels, reached by number, wherever they lie. Plain data whose big arrays lie over
 * SharedArrayBuffers: it can be posted to a worker, which opens its own reader.
 */
export type Records = RangeRecords | FileRecords | ParquetRecords | RemoteTarRecords;

/** What every form of records has. */
export interface CommonRecords {
  /** For people: `'nested tars'`, `'ImageFolder'`, `'TFRecord (slim)'`, … */
  readonly form: string;
  /** How many records. */
  readonly size: number;
  /** The name of each label. */
  readonly classNames: readonly string[];
  /** `[size]`, over a SharedArrayBuffer; absent where labels are only known when a record is read. */
  readonly labels?: Int32Array;
  /**
   * Lengths of runs of records that are cheap to read together (row groups of parquet, remote shards); they
   * add up to `size`. Absent: every record can be read alone.
   */
  readonly runs?: readonly number[];
  /** How many members or files were left out since their names are not those of images. */
  readonly skipped: number;
}

/** Reads records, in any order, several at a time; one for each thread. */
export interface RecordReader {
  /**
   * The encoded bytes of one image and its label, 0 to classes − 1. The bytes are the caller's.
   *
   * @throws RecordError when this record is damaged; Error when a file can't be read or has changed;
   *   RangeError when there is no such record
   */
  read(index: number): Promise<{ bytes: Uint8Array; label: number }>;
  close(): Promise<void>;
}

/** Opens what `records` lie in; files are opened when first read from. */
export async function openReader(records: Records): Promise<RecordReader> {
  const reader = opened(records);
  return {
    read: async (index) => {
      assertIndex(records, index);
      return reader.read(index);
    },
    close: () => reader.close(),
  };
}

function opened(records: Records): RecordReader {
  switch (records.kind) {
    case 'ranges':
      return openRanges(records);
    case 'files':
      return openFiles(records);
    case 'parquet':
      return openParquet(records);
    case 'remote tars':
      return openRemoteTars(records);
  }
}

/**
 * Where a record lies, for messages: `'train.tar, n01440764_10026.JPEG at byte 1536'`.
 *
 * @throws RangeError when there is no such record
 */
export function whereabouts(records: Records, index: number): string {
  assertIndex(records, index);
  switch (records.kind) {
    case 'ranges': {
      const name = nameAt(records.names, index);
      return `${records.files[records.file[index]!]}, ${name ? `${name} ` : ''}at byte ${records.offset[index]}`;
    }
    case 'files':
      return join(records.folders[records.folder[index]!]!, nameAt(records.names, index));
    case 'parquet':
      return parquetPlace(records, index);
    case 'remote tars': {
      const { run, row } = placeInRuns(runStarts(records.runs), index);
      return `${records.shards[run]!.url}, sample ${row}`;
    }
  }
}

/**
 * The name of the image in its archive or folder (`'n01440764_10026.JPEG'`), which is the same in every
 * form that has names before a record is read; undefined where there is none.
 */
export function recordName(records: Records, index: number): string | undefined {
  assertIndex(records, index);
  return 'names' in records ? nameAt(records.names, index) || undefined : undefined;
}

function assertIndex({ size }: Records, index: number): void {
  if (Number.isInteger(index) && index >= 0 && index < size) return;
  throw new RangeError(`There is no record ${index}: they are numbered 0 to ${size - 1}.`);
}
