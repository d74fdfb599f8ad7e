import type { Split } from '../split.ts';
import { decodeBinary } from './binary.ts';
import type { Examples } from './examples.ts';
import { decodeParquet } from './parquet.ts';
import { decodePython } from './python.ts';
import type { Variant } from './variants.ts';

/** One of the ways in which a split of CIFAR is laid out in files. */
export interface Form {
  /** For people. */
  readonly name: string;
  /** Where a file has its place in this form, in whichever split. */
  recognizes(path: string): boolean;
  /** The files of the split among those there, in their order. */
  arrange(paths: readonly string[]): { files: readonly string[]; missing: readonly string[] };
  /** Whether every file holds the official number of records, which is then checked file by file. */
  readonly equalFiles: boolean;
  decode(bytes: Uint8Array, file: string): Examples | Promise<Examples>;
}

/** The forms of a split, the one to take first where there are several first. */
export function formsOf(variant: Variant, split: Split): readonly Form[] {
  return [
    {
      name: 'binary version',
      equalFiles: true,
      ...named(variant, split, '.bin'),
      decode: (bytes, file) => decodeBinary(bytes, file, variant),
    },
    {
      name: 'Python version',
      equalFiles: true,
      ...named(variant, split, ''),
      decode: (bytes, file) => decodePython(bytes, file, variant),
    },
    {
      name: 'Hugging Face parquet',
      equalFiles: false,
      recognizes: (path) => shard(path) !== undefined,
      arrange: (paths) => arrangeShards(paths, split),
      decode: (bytes, file) => decodeParquet(bytes, file, variant),
    },
  ];
}

/** Forms whose files have official names, in whatever folder. */
function named(
  { files }: Variant,
  split: Split,
  suffix: string,
): Pick<Form, 'recognizes' | 'arrange'> {
  const all = Object.values(files).flatMap((names) => names.map((name) => name + suffix));
  return {
    recognizes: (path) => all.includes(baseName(path)),
    arrange: (paths) => {
      const wanted = files[split].map((name) => name + suffix);
      const found = wanted.map((name) => paths.find((path) => baseName(path) === name));
      return {
        files: found.filter((path) => path !== undefined),
        missing: wanted.filter((_, i) => found[i] === undefined),
      };
    },
  };
}

interface Shard {
  split: string;
  number: number;
  of?: number;
}

/** `train-00000-of-00001.parquet`, `train/0000.parquet` or `train.parquet`. */
function shard(path: string): Shard | undefined {
  const numbered = /(?:^|\/)(train|test)-(\d{5})-of-(\d{5})\.parquet$/.exec(path);
  if (numbered) {
    return { split: numbered[1]!, number: Number(numbered[2]), of: Number(numbered[3]) };
  }
  const plain = /(?:^|\/)(train|test)(?:\/(\d+))?\.parquet$/.exec(path);
  return plain ? { split: plain[1]!, number: Number(plain[2] ?? 0) } : undefined;
}

function arrangeShards(paths: readonly string[], split: Split): ReturnType<Form['arrange']> {
  const shards = paths
    .map((path) => ({ path, ...shard(path) }))
    .filter((found) => found.split === split)
    .sort((a, b) => a.number! - b.number!);
  const of = shards[0]?.of ?? Math.max(1, shards.length);
  const missing = Array.from({ length: Math.min(of, 100_000) }, (_, number) => number)
    .filter((number) => !shards.some((found) => found.number === number))
    .map((number) => `${split}-${digits(number)}-of-${digits(of)}.parquet`);
  return { files: shards.map(({ path }) => path), missing };
}

const digits = (number: number) => String(number).padStart(5, '0');

const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1);
