import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isImageName } from '../records/image-folder.ts';
import { isWnid } from './image-folders.ts';
import { trainingWnid, validationNumber } from './image-names.ts';
import { isClassTar } from './original-tars.ts';
import { type ImageNetSplit, splitInName, splitNames } from './split.ts';

/** What was found at a source; `tars` are told apart when they are opened. */
export type FoundForm =
  | { kind: 'wnid folders'; directory: string; folders: string[] }
  | { kind: 'flat folder'; directory: string }
  | { kind: 'tars' | 'class tars' | 'tfrecord' | 'parquet'; files: string[] };

export type FileKind = 'tars' | 'tfrecord' | 'parquet';

/** What a file's name says it is. */
export function fileKind(name: string): FileKind | undefined {
  if (/\.tar$/i.test(name)) return 'tars';
  if (/\.parquet$/i.test(name)) return 'parquet';
  if (/\.tfrecords?(-\d+-of-\d+)?$|(^|[-_.])\d{5}-of-\d{5}$/i.test(name)) return 'tfrecord';
  return undefined;
}

const isCompressed = (name: string) => /\.(gz|tgz|bz2|tbz2?|xz|zst|zip|7z|rar)$/i.test(name);

/**
 * Finds the images of one split in a folder: in the folder itself, in its folder of that split (`train`;
 * `val`, `validation`), and where Kaggle (`ILSVRC/Data/CLS-LOC`), Hugging Face (`data`) and TensorFlow
 * Datasets (`imagenet2012/5.1.0`) put them. Folders of a split go before files beside them.
 *
 * @throws an error that says what is there, when it is nothing that is known, or a folder that can't be
 *   ImageNet's (classes named otherwise than by WordNet ids)
 */
export async function findInFolder(source: string, split: ImageNetSplit): Promise<FoundForm> {
  const places = await placesToLook(source);
  for (const place of places) {
    for (const name of splitNames[split]) {
      const listing = await list(join(place, name));
      const found = listing && formOf(listing, split, true);
      if (found) return found;
    }
    const listing = await list(place);
    const found = listing && formOf(listing, split, false);
    if (found) return found;
  }
  throw new Error(await nothingFound(source, places, split));
}

interface Listing {
  directory: string;
  folders: string[];
  files: string[];
}

async function list(directory: string): Promise<Listing | undefined> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return undefined;
  const folders: string[] = [];
  const files: string[] = [];
  for (const entry of entries.filter(({ name }) => !name.startsWith('.'))) {
    const { name } = entry;
    const isFolder = entry.isSymbolicLink()
      ? !isImageName(name) &&
        (await stat(join(directory, name)).catch(() => undefined))?.isDirectory()
      : entry.isDirectory();
    (isFolder ? folders : files).push(name);
  }
  return { directory, folders: folders.sort(), files: files.sort() };
}

async function placesToLook(source: string): Promise<string[]> {
  const places = [
    ...[source, join(source, 'ILSVRC', 'Data', 'CLS-LOC'), join(source, 'Data', 'CLS-LOC')],
    ...[join(source, 'CLS-LOC'), join(source, 'data')],
  ];
  for (const parent of [source, join(source, 'imagenet2012')]) {
    const versions = (await list(parent))?.folders.filter((name) => /^\d+\.\d+\.\d+$/.test(name));
    if (parent !== source) places.push(parent);
    places.push(...(versions ?? []).reverse().map((name) => join(parent, name)));
  }
  return places;
}

function formOf(
  { directory, folders, files }: Listing,
  split: ImageNetSplit,
  isOfSplit: boolean,
): FoundForm | undefined {
  if (folders.some(isWnid)) {
    const other = folders.find((name) => !isWnid(name));
    if (other === undefined) return { kind: 'wnid folders', directory, folders };
    throw new Error(
      `${join(directory, other)} lies among the folders of classes, but is no WordNet id (n01440764): take it away.`,
    );
  }
  const ofSplit = files.filter((name) =>
    isOfSplit ? (splitInName(name) ?? split) === split : splitInName(name) === split,
  );
  const paths = (names: string[]) => names.map((name) => join(directory, name));
  const classTars = files.filter(isClassTar);
  if (split === 'train' && classTars.length > 0)
    return { kind: 'class tars', files: paths(classTars) };
  for (const kind of ['tars', 'parquet', 'tfrecord'] as const) {
    const shards = ofSplit.filter((name) => fileKind(name) === kind);
    if (shards.length > 0) return { kind, files: paths(shards) };
  }
  const isOriginal = (name: string) =>
    isImageName(name) &&
    (split === 'train' ? trainingWnid(name) : validationNumber(name)) !== undefined;
  if (files.some(isOriginal)) return { kind: 'flat folder', directory };
  if (isOfSplit && folders.length > 0) throw new Error(notByWnid(directory, folders));
  return undefined;
}

const notByWnid = (directory: string, folders: readonly string[]) =>
  `${directory}: its folders (${folders.slice(0, 3).join(', ')}${folders.length > 3 ? ', …' : ''}) are not named by WordNet ids (n01440764). Folders numbered by ILSVRC id or by position, or named by class, don't say which of the 1,000 classes they are: name them by WordNet id, or read them as classes of their own with imageFolder.`;

async function nothingFound(
  source: string,
  places: readonly string[],
  split: ImageNetSplit,
): Promise<string> {
  const own = await list(source);
  const packed = own?.files.find(isCompressed);
  if (packed) {
    return `${join(source, packed)} is compressed, so images can't be read from within it: unpack it once.`;
  }
  const known = new Set<string>([...splitNames.train, ...splitNames.validation, 'test', 'data']);
  const classes = own?.folders.filter(
    (name) => !known.has(name) && !places.includes(join(source, name)),
  );
  if (classes && classes.length >= 10) return notByWnid(source, classes);
  const there = [...(own?.folders ?? []), ...(own?.files ?? [])].map((path) => basename(path));
  const list5 = there.slice(0, 5).join(', ') + (there.length > 5 ? ', …' : '');
  return `${source} has no images of ImageNet's split '${split}' (ILSVRC2012_img_${split === 'train' ? 'train' : 'val'}.tar, ${splitNames[split][0]}/n01440764/…, TFRecords, WebDataset or parquet); there is ${list5 || 'nothing'}.`;
}
