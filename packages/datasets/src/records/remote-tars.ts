import { openRanges, type RangeRecords } from './ranges.ts';
import { RecentlyUsed } from './recently-used.ts';
import type { CommonRecords, RecordReader } from './records.ts';
import { placeInRuns, runOf, runStarts } from './runs.ts';
import { cachedFile, type RemoteFile } from './shard-cache.ts';
import { indexWebDataset } from './webdataset.ts';

/**
 * Shards of a WebDataset behind URLs: a tar can only be read through, so a shard is fetched as a whole into a
 * bounded cache when one of its records is first asked for. A run is a shard.
 */
export interface RemoteTarRecords extends CommonRecords {
  readonly kind: 'remote tars';
  readonly shards: readonly RemoteFile[];
  /** How many samples each shard has. */
  readonly runs: readonly number[];
  readonly cacheFolder: string;
  /** The size over which the cache is not to grow, in bytes. */
  readonly cacheBytes: number;
}

/** As much as an epoch's shuffle mixes at a time, and what is read ahead. */
const openShards = { most: 16, mostBytes: Number.POSITIVE_INFINITY };

/** @see openReader */
export function openRemoteTars(records: RemoteTarRecords): RecordReader {
  const starts = runStarts(records.runs);
  const shards = new RecentlyUsed<Shard>(openShards, (shard) => shard.release());
  const readOnce = async (index: number) => {
    const { run, row } = placeInRuns(starts, index);
    const shard = await shards.get(run, 0, () => openShard(records, run));
    return shard.read(row);
  };
  return {
    read: (index) =>
      readOnce(index).catch((cause: NodeJS.ErrnoException) => {
        // Another process took the shard out of the cache before it was opened here: fetch it again.
        if (cause.code !== 'ENOENT') throw cause;
        shards.delete(runOf(starts, index));
        return readOnce(index);
      }),
    close: async () => shards.clear(),
  };
}

interface Shard {
  read: RecordReader['read'];
  /** Closes the shard when nothing is being read from it any more. */
  release(): void;
}

async function openShard(records: RemoteTarRecords, run: number): Promise<Shard> {
  const { shards, runs, classNames, cacheFolder, cacheBytes } = records;
  const shard = shards[run]!;
  const path = await cachedFile(shard, { folder: cacheFolder, mostBytes: cacheBytes });
  let index: RangeRecords;
  try {
    index = await indexWebDataset([path], classNames);
  } catch (cause) {
    throw new Error(`${shard.url}: ${(cause as Error).message}`, { cause });
  }
  if (index.size !== runs[run]) {
    throw new Error(
      `${shard.url} has ${index.size} images (its copy is ${path}); ${runs[run]} were expected.`,
    );
  }
  // Its time of change is touched by everyone who uses it.
  const reader = openRanges({ ...index, stamps: index.stamps.map(({ size }) => ({ size })) });
  let reading = 0;
  let released = false;
  const closeIfIdle = () => {
    if (released && reading === 0) reader.close().catch(() => {});
  };
  return {
    read: async (row) => {
      reading++;
      try {
        return await reader.read(row);
      } finally {
        reading--;
        closeIfIdle();
      }
    },
    release: () => {
      released = true;
      closeIfIdle();
    },
  };
}
