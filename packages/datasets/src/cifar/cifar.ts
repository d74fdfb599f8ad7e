import { readdir } from 'node:fs/promises';
import { dataFolder } from '../download/data-folder.ts';
import { fromArrays, type IndexedSource } from '../from-arrays.ts';
import { padCropFlip } from '../pad-crop-flip.ts';
import { assertSplit, type Split } from '../split.ts';
import { Collected, type Examples } from './examples.ts';
import { type Found, findFiles } from './find-files.ts';
import { formsOf } from './forms.ts';
import { inOfficialOrder } from './official-order.ts';
import {
  cifar10Variant,
  cifar100Variant,
  type LabelField,
  officialSize,
  type Variant,
} from './variants.ts';

/** A split of CIFAR in memory. */
export interface CifarSource extends IndexedSource {
  /** What it was read from, for people: the form, and the folder or archive. */
  readonly form: string;
}

export interface CifarOptions {
  /**
   * A folder or an archive (`.tar.gz`, `.tar`, read where it is), with the binary version, the Python version
   * or Hugging Face's parquet files. Which it is is found out by looking. Default: the place that
   * `llr data get` downloads to.
   */
  from?: string;
  split: Split;
  /**
   * Accept another number of images than the official one, such as a prefix. Default false, since a truncated
   * file can end between two records.
   */
  partial?: boolean;
}

/**
 * CIFAR-10 (Krizhevsky 2009): 32 × 32 × 3, ten classes, 50,000 training and 10,000 test images, the same
 * bytes in the same order whatever form they are read from. `batches({ augment: true })` applies
 * `padCropFlip()` to training images.
 *
 * Of a pickle nothing is run: see `unpickle`, which knows what numpy's arrays need and refuses the rest.
 *
 * @throws an error that names the folder, the file or the record when something is missing, truncated or
 *   not CIFAR-10
 */
export function cifar10(options: CifarOptions): Promise<CifarSource> {
  return openCifar(cifar10Variant, cifar10Variant.fields[0]!, options);
}

/**
 * CIFAR-100 (Krizhevsky 2009): 32 × 32 × 3, 50,000 training and 10,000 test images; see `cifar10`.
 *
 * @param options.labels - `'fine'` (default): the 100 classes; `'coarse'`: their 20 superclasses
 * @throws as `cifar10` does; RangeError for other labels
 */
export async function cifar100(
  options: CifarOptions & { labels?: 'fine' | 'coarse' },
): Promise<CifarSource> {
  const { labels = 'fine' } = options;
  const field = cifar100Variant.fields.find(({ name }) => name === labels);
  if (!field) throw new RangeError(`cifar100 has the labels 'fine' and 'coarse'; got '${labels}'.`);
  return openCifar(cifar100Variant, field, options);
}

async function openCifar(
  variant: Variant,
  field: LabelField,
  { from, split, partial = false }: CifarOptions,
): Promise<CifarSource> {
  assertSplit(variant.name, split);
  const place = from ?? (await downloaded(variant));
  const found = await findFiles(place, variant, formsOf(variant, split));
  const classNames = await readClassNames(found, field);
  const read = await decodeAll(found, variant, split, partial);
  const examples = variant.name === 'cifar10' ? inOfficialOrder(read) : read;
  const source = fromArrays({
    name: variant.name,
    split,
    inputShape: [32, 32, 3],
    classNames,
    images: examples.images,
    labels: examples.labels[variant.fields.indexOf(field)]!,
    ...(split === 'train' ? { augment: padCropFlip() } : {}),
  });
  return { ...source, form: found.description };
}

/** @throws when nothing was downloaded, with the command that does it */
async function downloaded({ name, title }: Variant): Promise<string> {
  const folder = dataFolder(name);
  // The .part of a download that was stopped may be all there is.
  const names = await readdir(folder).catch(() => []);
  if (names.some((file) => !/\.part(\.json)?$/.test(file))) return folder;
  throw new Error(
    `${title} is not in ${folder}: llr data get ${name} downloads it; or say where it is (${name}:PATH).`,
  );
}

async function decodeAll(
  { form, files }: Found,
  variant: Variant,
  split: Split,
  partial: boolean,
): Promise<Examples> {
  const collected = new Collected(variant, partial ? undefined : officialSize[split]);
  const expected = form.equalFiles ? officialSize[split] / files.length : undefined;
  for (const { file, read } of files) {
    const part = await form.decode(await read(), file);
    if (!partial && expected !== undefined) assertCount(file, part.count, expected, variant);
    collected.add(part);
  }
  if (!partial) assertCount(files[0]!.file, collected.count, officialSize[split], variant);
  return collected.examples;
}

function assertCount(file: string, count: number, expected: number, { title }: Variant): void {
  if (count === expected) return;
  throw new Error(
    `${file} is incomplete or not ${title}: it has ${count.toLocaleString('en')} records, not ${expected.toLocaleString('en')}.`,
  );
}

/** As the file beside the records lists them, where there is one; else the official ones. */
async function readClassNames(found: Found, field: LabelField): Promise<readonly string[]> {
  const listed = await found.text(field.namesFile);
  if (!listed) return field.classNames;
  const names = listed.text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const { length } = field.classNames;
  if (names.length === length) return names;
  const number = length === 10 ? 'ten' : length;
  throw new Error(
    `${listed.file} should list ${number} class names, one a line; it lists ${names.length}.`,
  );
}
