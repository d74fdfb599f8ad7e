import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { expandBraces } from '../records/braces.ts';
import { defaultCacheFolder } from '../records/cache-folder.ts';
import { FileBytes } from '../records/file-bytes.ts';
import { isUrl, request } from '../records/http.ts';
import { hubDataset, hubFiles } from '../records/hugging-face.ts';
import { withIndexCache } from '../records/index-cache.ts';
import { parquetRecords } from '../records/parquet.ts';
import type { OnProgress } from '../records/progress.ts';
import type { RangeRecords } from '../records/ranges.ts';
import type { Records } from '../records/records.ts';
import type { RemoteTarRecords } from '../records/remote-tars.ts';
import { type IndexedShard, indexedShards } from '../records/shard-index.ts';
import { tarMembers } from '../records/tar.ts';
import { indexTFRecords } from '../records/tfrecord.ts';
import { indexWebDataset } from '../records/webdataset.ts';
import { type FoundForm, fileKind, findInFolder } from './find-form.ts';
import { flatFolder, wnidFolders } from './image-folders.ts';
import { validationNumber } from './image-names.ts';
import { type ImageNetLists, imageNetLists } from './lists.ts';
import {
  indexClassTars,
  indexNestedTars,
  indexValidationTar,
  isClassTar,
} from './original-tars.ts';
import {
  assertImageNetSplit,
  type ImageNetSplit,
  splitInName,
  splitNames,
  splitSizes,
} from './split.ts';

export interface ImageNetRecordsOptions {
  /**
   * Where the images are: a folder, a file, shards with a range in braces (`train-{0000..1023}.tar`), or the
   * same behind `https://`; the index of a WebDataset's shards (JSON); a data set on Hugging Face's hub
   * (`https://huggingface.co/datasets/ILSVRC/imagenet-1k`, for which HF_TOKEN holds a token).
   */
  source: string;
  split: ImageNetSplit;
  /** Accepts another number of images than the split has: a subset, or an unfinished download. Default false. */
  partial?: boolean;
  /** Called now and then while tars or TFRecords are indexed, which is done once. */
  onProgress?: OnProgress;
  /** Where indexes and remote shards are kept. Default: a folder of the user's cache, or `LLR_CACHE`. */
  cacheFolder?: string;
  /** How much of remote shards is kept, in bytes. Default 20 GB. */
  cacheBytes?: number;
}

type Context = Required<Omit<ImageNetRecordsOptions, 'partial' | 'onProgress' | 'source'>> & {
  lists: ImageNetLists;
  onProgress: OnProgress | undefined;
};

/**
 * ImageNet (ILSVRC2012) in whatever form it is in, without unpacking it; `form` says which was found:
 *
 * - the original tars (`ILSVRC2012_img_train.tar`, a tar of tars; `ILSVRC2012_img_val.tar`), and the former
 *   unpacked once into a tar for each class
 * - folders named by WordNet ids, in `train` and `val` or alone; the validation images in one folder, as they
 *   were published; Kaggle's folders
 * - TFRecords of Google's scripts (labels 1 to 1,000) or of TensorFlow Datasets (0 to 999)
 * - shards of a WebDataset, local or behind URLs
 * - parquet files of Hugging Face, local or behind URLs
 *
 * The label of an image is the place of its class among the 1,000 sorted WordNet ids, in every form.
 *
 * @throws RangeError for another split; an error that says what was found and what was expected: no known
 *   form, shards that are missing, damaged files (with the place), another number of images than the split
 *   has (unless `partial`)
 */
export async function imageNetRecords({
  source,
  split,
  partial = false,
  onProgress,
  cacheFolder = defaultCacheFolder(),
  cacheBytes = 20e9,
}: ImageNetRecordsOptions): Promise<Records> {
  assertImageNetSplit(split);
  const lists = await imageNetLists();
  const context = { split, lists, onProgress, cacheFolder, cacheBytes };
  const isRemote = isUrl(source) || source.startsWith('hf://');
  const records = await (isRemote ? openRemote(source, context) : openLocal(source, context));
  if (records.size === 0) throw new Error(`${source} (${records.form}) has no images.`);
  if (!partial && records.size !== splitSizes[split]) {
    throw new Error(
      `${source} (${records.form}) has ${records.size} images; the split '${split}' of ILSVRC2012 has ${splitSizes[split]}. Set partial to true if this is meant to be a part of it.`,
    );
  }
  return records;
}

async function openLocal(source: string, context: Context): Promise<Records> {
  const path = resolve(source);
  const files = expandBraces(path);
  const [first] = files as [string];
  const found = await stat(first).catch((cause: unknown) => {
    throw new Error(`There is no ${first}.`, { cause });
  });
  if (files.length === 1 && found.isDirectory()) {
    const form = await findInFolder(path, context.split);
    if ('files' in form && form.kind !== 'class tars') assertComplete(form.files);
    return openForm(form, context);
  }
  if (/\.json$/i.test(path)) return openIndex(await readFile(path, 'utf8'), path, context);
  const kind = files.every(isClassTar) ? 'class tars' : fileKind(basename(first));
  if (kind) {
    assertSplitInName(first, context.split);
    return openForm({ kind, files }, context);
  }
  throw new Error(
    `${first} is none of the files that images are read from: .tar, .parquet, TFRecords (.tfrecord, -00000-of-01024), or an index of shards (.json); not compressed.`,
  );
}

function assertSplitInName(path: string, split: ImageNetSplit): void {
  const said = splitInName(basename(path));
  if (said !== undefined && said !== split) throw otherSplit(path, said, split);
}

const otherSplit = (path: string, found: string, split: string) =>
  new Error(`${path} holds the split '${found}'; '${split}' was asked for.`);

async function openForm(found: FoundForm, context: Context): Promise<Records> {
  const { split, lists, onProgress } = context;
  switch (found.kind) {
    case 'wnid folders':
      return wnidFolders(found.directory, found.folders, split, lists);
    case 'flat folder':
      return flatFolder(found.directory, split, lists);
    case 'parquet':
      return parquetRecords(found.files, lists.classNames);
    case 'tfrecord':
      return indexed(found.files, 'TFRecord', context, () =>
        indexTFRecords(found.files, lists.classNames, {
          wnids: lists.wnids,
          ...(onProgress && { onProgress }),
        }),
      );
    case 'class tars':
      return indexed(found.files, 'class tars', context, () =>
        indexClassTars(found.files, lists, onProgress),
      );
    case 'tars':
      return openTars(found.files, context);
  }
}

/** Tells the original tars from a WebDataset by the first member that says it. */
async function openTars(files: string[], context: Context): Promise<Records> {
  const { split, lists, onProgress } = context;
  const [first] = files as [string];
  const form = tarForm(first);
  const holds = form === 'nested tars' ? 'train' : form === 'validation tar' ? 'validation' : split;
  if (holds !== split) throw otherSplit(first, holds, split);
  if (form === 'WebDataset') {
    return indexed(files, form, context, () =>
      indexWebDataset(files, lists.classNames, onProgress),
    );
  }
  if (files.length > 1) {
    throw new Error(`${first} holds the whole split '${holds}', but there is ${files[1]} besides.`);
  }
  const index = form === 'nested tars' ? indexNestedTars : indexValidationTar;
  return indexed(files, form, context, () => index(first, lists, onProgress));
}

/** Enough to come to a label of a WebDataset, few enough to be nothing. */
const membersLookedAt = 16;

function tarForm(path: string): 'nested tars' | 'validation tar' | 'WebDataset' {
  using file = new FileBytes(path);
  let members = 0;
  let isValidation = false;
  for (const { name } of tarMembers(file)) {
    if (isClassTar(name)) return 'nested tars';
    if (/\.(cls|json)$/i.test(name)) return 'WebDataset';
    isValidation ||= validationNumber(name) !== undefined;
    if (++members === membersLookedAt) break;
  }
  return isValidation ? 'validation tar' : 'WebDataset';
}

/** Records of local files whose index is kept. */
const indexed = (
  files: readonly string[],
  purpose: string,
  { cacheFolder, split }: Context,
  build: () => Promise<RangeRecords>,
) => withIndexCache({ files, purpose: `ImageNet ${split}, ${purpose}`, cacheFolder }, build);

/** @throws when of files numbered `-00000-of-01024` some are missing */
function assertComplete(files: readonly string[]): void {
  const sets = new Map<string, Set<number>>();
  for (const file of files) {
    const [, stem = '', number, count] = /^(.*?)(\d+)-of-(\d+)\D*$/.exec(file) ?? [];
    if (number === undefined) continue;
    const key = `${stem} of ${Number(count)}`;
    sets.set(key, (sets.get(key) ?? new Set()).add(Number(number)));
  }
  for (const [key, numbers] of sets) {
    const count = Number(key.slice(key.lastIndexOf(' ') + 1));
    const missing = Array.from({ length: count }, (_, i) => i).filter((i) => !numbers.has(i));
    if (missing.length === 0) continue;
    const stem = basename(key.slice(0, key.lastIndexOf(' of ')));
    throw new Error(
      `${dirname(files[0]!)}: of ${count} files ${stem}…-of-…, ${missing.length} are missing, the first is number ${missing[0]}. To read a part, name its files (${stem}{00000..00003}-of-…).`,
    );
  }
}

async function openRemote(source: string, context: Context): Promise<Records> {
  const dataset = hubDataset(source);
  if (dataset) return openHub(source, context);
  if (source.startsWith('hf://')) {
    throw new Error(`${source} should be written hf://datasets/owner/name.`);
  }
  const urls = expandBraces(source);
  const name = new URL(urls[0]!).pathname;
  if (name.endsWith('.json')) {
    return openIndex(await (await request(source)).text(), source, context);
  }
  const kind = fileKind(basename(name));
  if (kind === 'parquet') {
    assertSplitInName(name, context.split);
    return httpForm(await parquetRecords(urls, context.lists.classNames));
  }
  if (kind === 'tars') {
    throw new Error(
      `${source}: how many samples a remote shard has can't be known without reading it. Give the URL of the index of the shards instead (JSON of wids: widsindex create, or timm's _info.json).`,
    );
  }
  throw new Error(
    `${source} is none of the files that are read over HTTP: .parquet, or the index of a WebDataset's shards (.json).`,
  );
}

/** Parquet files or shards of a data set on the hub. */
async function openHub(source: string, context: Context): Promise<Records> {
  const { split, lists } = context;
  const files = await hubFiles(hubDataset(source)!);
  const isOfSplit = ({ path }: { path: string }) => splitInName(path) === split;
  const parquet = files.filter((file) => fileKind(file.path) === 'parquet' && isOfSplit(file));
  if (parquet.length > 0) {
    assertComplete(parquet.map(({ url }) => url));
    return httpForm(
      await parquetRecords(
        parquet.map(({ url }) => url),
        lists.classNames,
        { fileSizes: parquet.map(({ size }) => size) },
      ),
    );
  }
  const tars = files.filter((file) => fileKind(file.path) === 'tars' && isOfSplit(file));
  const index = files.find(({ path }) => basename(path) === '_info.json');
  if (tars.length > 0 && index) {
    return openIndex(await (await request(index.url)).text(), index.url, context);
  }
  throw new Error(
    tars.length > 0
      ? `${source} has shards, but no _info.json that says how many samples each has: give the URL of an index of them instead (JSON of wids).`
      : `${source} has no parquet files or shards of the split '${split}'.`,
  );
}

/** Shards that an index lists: local ones are read where they are, remote ones fetched when needed. */
async function openIndex(text: string, place: string, context: Context): Promise<Records> {
  const { split, lists, cacheFolder, cacheBytes } = context;
  const shards = indexedShards(text, place, splitNames[split]);
  const located = shards.map((shard) => ({ ...shard, url: locate(shard, place) }));
  const local = located.filter(({ url }) => !isUrl(url));
  if (local.length === located.length) {
    const files = located.map(({ url }) => url);
    return indexed(files, 'WebDataset', context, () =>
      indexWebDataset(files, lists.classNames, context.onProgress),
    );
  }
  if (local.length > 0) throw new Error(`${place}: some shards are local, others are not.`);
  const runs = located.map(({ samples }) => samples);
  const records: RemoteTarRecords = {
    ...{
      kind: 'remote tars',
      form: 'WebDataset over HTTP',
      classNames: lists.classNames,
      skipped: 0,
    },
    size: runs.reduce((sum, samples) => sum + samples, 0),
    runs,
    shards: located.map(({ url, size, md5 }) => ({
      url,
      ...(size !== undefined && { size }),
      ...(md5 !== undefined && { md5 }),
    })),
    cacheFolder: join(cacheFolder, 'shards'),
    cacheBytes,
  };
  return records;
}

function locate({ url }: IndexedShard, place: string): string {
  if (isUrl(url)) return url;
  return isUrl(place) ? new URL(url, place).href : resolve(dirname(place), url);
}

const httpForm = <T extends Records>(records: T): T => ({
  ...records,
  form: `${records.form} over HTTP`,
});
