import { FileBytes } from '../records/file-bytes.ts';
import { isImageName } from '../records/image-folder.ts';
import { type OnProgress, reporter } from '../records/progress.ts';
import type { FileStamp, RangeRecords } from '../records/ranges.ts';
import { RecordTable } from '../records/record-table.ts';
import { tarMembers } from '../records/tar.ts';
import { validationNumber } from './image-names.ts';
import type { ImageNetLists } from './lists.ts';

/** `ILSVRC2012_img_train.tar`'s members: `n01440764.tar`, a tar of one class each. */
export const isClassTar = (name: string) => /^(.*\/)?n\d{8}\.tar$/.test(name);

/**
 * Indexes the training images of `ILSVRC2012_img_train.tar`, a tar of a tar for each class. Ordered by
 * class, then by name, as folders of the same images are.
 *
 * @throws an error that names file and byte: a damaged or shortened tar, a member that is no tar of one of
 *   the 1,000 classes, an image of another class, an image that is there twice
 */
export async function indexNestedTars(
  path: string,
  lists: ImageNetLists,
  onProgress?: OnProgress,
): Promise<RangeRecords> {
  using file = new FileBytes(path);
  const classes = new ClassTable(lists, onProgress);
  for (const { name, offset, size } of tarMembers(file)) {
    await classes.add(file, 0, name, { start: offset, end: offset + size, total: file.size });
  }
  return classes.records('nested tars', [path], [file.stamp]);
}

/** The same where the outer tar has been unpacked: `n01440764.tar` and the others, in a folder. */
export async function indexClassTars(
  paths: readonly string[],
  lists: ImageNetLists,
  onProgress?: OnProgress,
): Promise<RangeRecords> {
  const classes = new ClassTable(lists, onProgress);
  const stamps: FileStamp[] = [];
  for (const [index, path] of paths.entries()) {
    using file = new FileBytes(path);
    stamps.push(file.stamp);
    const total = file.size * paths.length;
    await classes.add(file, index, path, { start: 0, end: file.size, total });
  }
  return classes.records('class tars', paths, stamps);
}

/** The images of one class after the other. */
class ClassTable {
  readonly #table = new RecordTable();
  /** By label: the rows of a class, sorted by name. */
  readonly #rows = new Map<number, Uint32Array>();
  readonly #lists: ImageNetLists;
  readonly #report: ReturnType<typeof reporter>;
  #skipped = 0;

  constructor(lists: ImageNetLists, onProgress: OnProgress | undefined) {
    this.#lists = lists;
    this.#report = reporter(onProgress);
  }

  async add(
    file: FileBytes,
    index: number,
    tar: string,
    { start, end, total }: { start: number; end: number; total: number },
  ): Promise<void> {
    const table = this.#table;
    const label = classOf(file, tar, start, this.#lists);
    if (this.#rows.has(label)) throw file.error(start, `${tar} is there twice`);
    const first = table.size;
    const prefix = `${this.#lists.wnids[label]}_`;
    for (const { name, offset, size } of tarMembers(file, start, end)) {
      if (!isImageName(name)) {
        this.#skipped++;
        continue;
      }
      const base = baseName(name);
      if (!base.startsWith(prefix)) {
        throw file.error(offset, `${name} lies in ${tar}, among the images of another class`);
      }
      table.add(index, offset, imageSize(file, offset, size), label, base);
      await this.#report(() => ({
        ...{ file: file.path, images: table.size },
        ...{ done: index * end + offset, total },
      }));
    }
    this.#rows.set(label, this.#sorted(file, first));
  }

  records(form: string, files: readonly string[], stamps: readonly FileStamp[]): RangeRecords {
    const order = new Uint32Array(this.#table.size);
    let filled = 0;
    for (const [, rows] of [...this.#rows].sort(([a], [b]) => a - b)) {
      order.set(rows, filled);
      filled += rows.length;
    }
    return {
      ...{ kind: 'ranges', form, size: order.length, classNames: this.#lists.classNames },
      ...{ skipped: this.#skipped, files, stamps },
      ...this.#table.columns(order),
    };
  }

  /** The rows from `first`, by name. */
  #sorted(file: FileBytes, first: number): Uint32Array {
    const table = this.#table;
    const images = Array.from({ length: table.size - first }, (_, i) => ({
      row: first + i,
      name: table.name(first + i),
    })).sort((a, b) => (a.name < b.name ? -1 : 1));
    const twice = images.find(({ name }, i) => name === images[i - 1]?.name);
    if (twice) throw file.error(table.offset(twice.row), `${twice.name} is there twice`);
    return Uint32Array.from(images, ({ row }) => row);
  }
}

/**
 * Indexes the validation images of `ILSVRC2012_img_val.tar`, ordered by their numbers: in the tar they are
 * not. Their labels are those of `lists`, by number.
 *
 * @throws an error that names file and byte: a damaged or shortened tar, an image that is none of the
 *   50,000, one that is there twice
 */
export async function indexValidationTar(
  path: string,
  lists: ImageNetLists,
  onProgress?: OnProgress,
): Promise<RangeRecords> {
  using file = new FileBytes(path);
  const table = new RecordTable();
  const report = reporter(onProgress);
  const rowOf = new Int32Array(lists.validationLabels.length).fill(-1);
  let skipped = 0;
  for (const { name, offset, size } of tarMembers(file)) {
    if (!isImageName(name)) {
      skipped++;
      continue;
    }
    const number = validationNumber(name);
    if (number === undefined) {
      throw file.error(offset, `${name} is no validation image (ILSVRC2012_val_00000001.JPEG)`);
    }
    if (rowOf[number - 1] !== -1) throw file.error(offset, `${name} is there twice`);
    rowOf[number - 1] = table.size;
    const label = lists.validationLabels[number - 1]!;
    table.add(0, offset, imageSize(file, offset, size), label, baseName(name));
    await report(() => ({ file: path, images: table.size, done: offset, total: file.size }));
  }
  return {
    ...{ kind: 'ranges', form: 'validation tar', size: table.size },
    ...{ classNames: lists.classNames, skipped, files: [path], stamps: [file.stamp] },
    ...table.columns(Uint32Array.from(rowOf.filter((row) => row >= 0))),
  };
}

function classOf(
  file: FileBytes,
  name: string,
  offset: number,
  { labelOf }: ImageNetLists,
): number {
  const label = labelOf.get(baseName(name).replace(/\.tar$/, ''));
  if (label !== undefined && isClassTar(name)) return label;
  throw file.error(offset, `${name} is no tar of one of the 1,000 classes (n01440764.tar)`);
}

const baseName = (name: string) => name.slice(name.lastIndexOf('/') + 1);

/** Columns hold lengths as uint32. */
function imageSize(file: FileBytes, offset: number, size: number): number {
  if (size < 2 ** 32) return size;
  throw file.error(offset, `an image of ${size} bytes`);
}
