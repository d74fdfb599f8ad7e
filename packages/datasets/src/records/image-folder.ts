import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { nameAt, type PackedNames } from './packed-names.ts';
import { RecordError } from './record-error.ts';
import { RecordTable } from './record-table.ts';
import type { CommonRecords, RecordReader } from './records.ts';

/** Records that are files of their own, in folders. */
export interface FileRecords extends CommonRecords {
  readonly kind: 'files';
  readonly folders: readonly string[];
  /** `[size]`: which of `folders`. */
  readonly folder: Uint32Array;
  /** The name of each file in its folder. */
  readonly names: PackedNames;
  readonly labels: Int32Array;
}

/** @see openReader */
export function openFiles(records: FileRecords): RecordReader {
  return {
    read: async (index) => {
      const path = join(records.folders[records.folder[index]!]!, nameAt(records.names, index));
      const bytes = await readFile(path);
      if (bytes.length === 0) throw new RecordError(`${path} is empty (0 bytes).`);
      return { bytes, label: records.labels[index]! };
    },
    close: async () => {},
  };
}

/**
 * Images in one folder for each class, as torchvision's ImageFolder reads them: the classes are the sorted
 * names of the folders, the images those of each folder (folders within it included), sorted by name. Names
 * beginning with a dot are passed over; files whose names are not those of images are passed over and
 * counted in `skipped`. Symbolic links are followed wherever they lead, since subsets are often made of
 * them: nothing is written, and a folder that contains itself is an error.
 *
 * @param options.directory - the folder of the class folders
 * @param options.classNames - which folders are which labels, in that order: for a validation split in which
 *   a class may be missing. Default: the sorted names of the folders
 * @throws when the folder is missing or has no class folders, when a class folder is not in `classNames`,
 *   or (without `classNames`) when one has no image
 */
export async function imageFolderRecords({
  directory,
  classNames,
}: {
  directory: string;
  classNames?: readonly string[];
}): Promise<FileRecords> {
  const found = await classFolders(directory);
  if (found.length === 0) {
    throw new Error(
      `${directory} has no folders: its images should lie in one folder for each class (${join(directory, 'cat', '1.jpg')}).`,
    );
  }
  const unknown = classNames && found.find((name) => !classNames.includes(name));
  if (unknown !== undefined) {
    throw new Error(`${join(directory, unknown)} is no class: they are ${classNames!.join(', ')}.`);
  }
  const names = classNames ?? found;
  const records = await listImages({
    form: 'ImageFolder',
    classNames: names,
    folders: found.map((name) => ({ path: join(directory, name), label: names.indexOf(name) })),
  });
  const filled = new Set(records.labels);
  const empty = classNames ? -1 : names.findIndex((_, label) => !filled.has(label));
  if (empty >= 0) {
    throw new Error(
      `${join(directory, names[empty]!)} has no images, so it can't be a class: put some there or take the folder away.`,
    );
  }
  return records;
}

/** The sorted names of the folders in a folder, links to folders included; hidden ones are passed over. */
export async function classFolders(directory: string): Promise<string[]> {
  const entries = await entriesOf(directory);
  return entries.filter(({ isFolder }) => isFolder).map(({ name }) => name);
}

/** The images under some folders, in the folders' order, each folder's sorted by name. */
export async function listImages({
  form,
  classNames,
  folders,
  labelOf,
}: {
  form: string;
  classNames: readonly string[];
  folders: readonly { path: string; label: number }[];
  /** The label of one file, given its folder's; throws when they disagree. Default: the folder's. */
  labelOf?: (label: number, name: string, folder: string) => number;
}): Promise<FileRecords> {
  const table = new RecordTable();
  const paths: string[] = [];
  let skipped = 0;
  for (const { path, label } of folders) {
    for await (const { folder, files } of walk(path)) {
      const images = files.filter(isImageName);
      skipped += files.length - images.length;
      if (images.length > 0) paths.push(folder);
      for (const name of images) {
        table.add(paths.length - 1, 0, 0, labelOf ? labelOf(label, name, folder) : label, name);
      }
    }
  }
  const { file, labels, names } = table.columns();
  const size = table.size;
  return {
    kind: 'files',
    form,
    size,
    classNames,
    folders: paths,
    folder: file,
    names,
    labels,
    skipped,
  };
}

const imageExtensions = new Set('.jpg .jpeg .png .webp .gif .bmp .tif .tiff .ppm .pgm'.split(' '));

/** Whether a file's name says that it is an image, as torchvision's ImageFolder goes by it. */
export const isImageName = (name: string) => imageExtensions.has(extname(name).toLowerCase());

/** Every folder from `top` down with the names of its files, both sorted. */
async function* walk(
  top: string,
  above: readonly string[] = [],
): AsyncGenerator<{ folder: string; files: string[] }> {
  const real = await realpath(top);
  if (above.includes(real)) {
    throw new Error(`${top} is a link to a folder that contains it (${real}): take the link away.`);
  }
  const entries = await entriesOf(top);
  yield {
    folder: top,
    files: entries.filter(({ isFolder }) => !isFolder).map(({ name }) => name),
  };
  for (const { name, isFolder } of entries) {
    if (isFolder) yield* walk(join(top, name), [...above, real]);
  }
}

/** What is in a folder, sorted by name, without hidden files. */
async function entriesOf(folder: string): Promise<{ name: string; isFolder: boolean }[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Error(`There is no folder ${folder}.`, { cause });
    if (code === 'ENOTDIR') throw new Error(`${folder} is not a folder.`, { cause });
    throw cause;
  });
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const sorted = visible.sort((a, b) => (a.name < b.name ? -1 : 1));
  return Promise.all(
    sorted.map(async (entry) => ({
      name: entry.name,
      isFolder: entry.isSymbolicLink()
        ? // A name of an image stands for a file: links by the million are not looked at one by one.
          !isImageName(entry.name) && (await isFolder(join(folder, entry.name)))
        : entry.isDirectory(),
    })),
  );
}

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
