import { InvalidArgumentError } from 'commander';
import type { Range } from './ranges.ts';

/** One of several contiguous parts of the examples, of the same size but for one example. */
export interface Shard {
  /** From 1. */
  part: number;
  of: number;
}

/** `2/8`: the second of eight parts. */
export function shardNumber(text: string): Shard {
  const [part, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).slice(1).map(Number);
  if (!part || !of || part > of) {
    throw new InvalidArgumentError('It must be a part and their number, such as 1/4.');
  }
  return { part, of };
}

/** "shard-2-of-8": in names of files. */
export const shardName = ({ part, of }: Shard): string => `shard-${part}-of-${of}`;

/** The examples of a part. @throws when there are more parts than examples */
export function rangeOfShard(shard: Shard | undefined, size: number): Range {
  if (!shard) return [0, size];
  const { part, of } = shard;
  if (of > size) throw new Error(`--shard ${part}/${of}: there are only ${size} examples.`);
  return partOfRange([0, size], shard);
}

/** A part of a range. */
export const partOfRange = ([begin, end]: Range, { part, of }: Shard): Range => [
  begin + Math.floor(((part - 1) * (end - begin)) / of),
  begin + Math.floor((part * (end - begin)) / of),
];
