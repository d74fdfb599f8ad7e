/** A shard of a WebDataset and how many samples it has. */
export interface IndexedShard {
  /** As the index has it: a URL, or relative to the index. */
  readonly url: string;
  readonly samples: number;
  readonly size?: number;
  readonly md5?: string;
}

interface Wids {
  __kind__: 'wids-shard-index-v1';
  shardlist: { url: string; nsamples: number; filesize?: number; md5sum?: string }[];
}

interface Info {
  splits: Record<string, { filenames: string[]; shard_lengths: number[] }>;
}

/**
 * The shards that an index lists: that of `wids` (`shardlist`), or the `_info.json` that timm's shards come
 * with, which has several splits.
 *
 * @param place - the index's path or URL, for messages
 * @param splits - what the wanted split may be called in `_info.json`
 * @throws an error that names the index, when it is neither, or damaged
 */
export function indexedShards(
  text: string,
  place: string,
  splits: readonly string[],
): IndexedShard[] {
  let index: Partial<Wids & Info>;
  try {
    index = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${place} is no JSON: ${(cause as Error).message}.`, { cause });
  }
  const shards =
    index?.__kind__ === 'wids-shard-index-v1'
      ? (index.shardlist ?? []).map(({ url, nsamples, filesize, md5sum }) => ({
          url,
          samples: nsamples,
          ...(filesize !== undefined && { size: filesize }),
          ...(md5sum && { md5: md5sum }),
        }))
      : shardsOfSplit(index?.splits, splits);
  if (!shards) {
    throw new Error(
      `${place} is no index of shards: neither wids-shard-index-v1, nor an _info.json with the split ${splits.join(' or ')}.`,
    );
  }
  const damaged = shards.find(
    ({ url, samples }) => typeof url !== 'string' || !Number.isSafeInteger(samples) || samples < 0,
  );
  if (damaged || shards.length === 0) {
    throw new Error(`${place} should list shards, each with its url and its number of samples.`);
  }
  return shards;
}

function shardsOfSplit(
  found: Info['splits'] | undefined,
  splits: readonly string[],
): IndexedShard[] | undefined {
  const split = splits.find((name) => found && Object.hasOwn(found, name));
  const info = split === undefined ? undefined : found?.[split];
  return info?.filenames?.map((url, i) => ({
    url,
    samples: info.shard_lengths?.[i] ?? Number.NaN,
  }));
}
