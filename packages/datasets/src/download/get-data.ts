import { randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { sha256OfFile } from '../sha256-of-file.ts';
import { dataFolder } from './data-folder.ts';
import { type DownloadOptions, download } from './download.ts';
import {
  type CifarForm,
  cifarForms,
  type Downloadable,
  downloadable,
  type PublishedFile,
  published,
} from './published.ts';

export interface GetDataOptions extends Omit<DownloadOptions, 'onProgress'> {
  /** Default: that of the file named by `from` or by the environment, else the binary version. */
  form?: CifarForm;
  /** The folder it goes to. Default: `dataFolder(name)`, where it is found by its name alone. */
  to?: string;
  /** The file, or the folder of the files, to take it from instead of the network. */
  from?: string;
  onProgress?: (progress: { file: string; received: number; size: number; url: string }) => void;
}

/** What `getData` did. */
export interface GotData {
  readonly folder: string;
  readonly files: readonly string[];
  /** Of the files. */
  readonly bytes: number;
  /** Whether all of it was there before. */
  readonly alreadyThere: boolean;
}

/**
 * Puts CIFAR-10 or CIFAR-100, as published, into a folder: downloaded, or from files at hand. Either way
 * each file's sha256 is compared with the published one. Archives stay packed: they are read where they lie.
 *
 * LLR_CIFAR10_URL and LLR_CIFAR100_URL name a copy of one's own, which is then the only address: that of the
 * file, or, ending in `/`, of the folder of the files.
 *
 * @throws RangeError for another name or form; an error that says what was wrong with each address or file
 */
export async function getData(name: Downloadable, options: GetDataOptions = {}): Promise<GotData> {
  if (!downloadable.includes(name)) {
    throw new RangeError(`'${name}' can't be downloaded: ${downloadable.join(' and ')} can.`);
  }
  const { form, to = dataFolder(name), from, onProgress } = options;
  if (form !== undefined && !cifarForms.includes(form)) {
    throw new RangeError(`There is no form '${form}': ${cifarForms.join(', ')}.`);
  }
  const folder = resolve(to);
  const own = ownAddress(`LLR_${name.toUpperCase()}_URL`);
  const sources = from === undefined ? undefined : await filesAtHand(name, form, resolve(from));
  const wanted = sources
    ? [...sources.keys()]
    : published[name][form ?? formNamedBy(name, own) ?? 'binary'];
  let alreadyThere = true;
  for (const file of wanted) {
    const target = join(folder, file.path);
    if (await isThere(target, file)) continue;
    alreadyThere = false;
    const source = sources?.get(file);
    if (source) await take(source, target, file);
    else {
      await download({ ...file, urls: own ? [ownUrl(own, file)] : file.urls }, target, {
        ...options,
        onProgress: (progress) => onProgress?.({ file: basename(target), ...progress }),
      });
    }
  }
  return {
    folder,
    files: wanted.map(({ path }) => join(folder, path)),
    bytes: wanted.reduce((sum, { size }) => sum + size, 0),
    alreadyThere,
  };
}

/** @throws when it is no address */
function ownAddress(variable: string): string | undefined {
  const value = process.env[variable];
  if (!value) return undefined;
  if (/^https?:\/\/[^/]/.test(value) && URL.canParse(value)) return value;
  throw new Error(`${variable} should be an http or https address; it is '${value}'.`);
}

const ownUrl = (own: string, { path }: PublishedFile) =>
  own.endsWith('/') ? new URL(basename(path), own).href : own;

function formNamedBy(name: Downloadable, url = ''): CifarForm | undefined {
  return cifarForms.find((form) =>
    published[name][form].some(({ path }) => url.includes(basename(path))),
  );
}

/** @throws when a file of that name is there, but another one: it may be somebody's work */
async function isThere(target: string, file: PublishedFile): Promise<boolean> {
  if (!(await stat(target).catch(() => undefined))) return false;
  const problem = await differenceFrom(file, target);
  if (problem === undefined) return true;
  throw new Error(
    `${target} is there already, but ${problem}. Remove it, or choose another folder.`,
  );
}

/** The published files among the user's: one, known by its size, or those in a folder, by their names. */
async function filesAtHand(
  name: Downloadable,
  form: CifarForm | undefined,
  from: string,
): Promise<Map<PublishedFile, string>> {
  const found = await stat(from).catch(() => undefined);
  if (!found) throw new Error(`There is no file or folder ${from}.`);
  const forms = form ? [form] : cifarForms;
  for (const known of forms) {
    const files = published[name][known];
    if (found.isDirectory()) {
      const paths = await Promise.all(
        files.map(async ({ path }) => {
          const places = [join(from, path), join(from, basename(path))];
          const there = await Promise.all(
            places.map((place) => stat(place).catch(() => undefined)),
          );
          return places.find((_, i) => there[i]?.isFile());
        }),
      );
      if (paths.every((path) => path !== undefined)) {
        return new Map(files.map((file, i) => [file, paths[i]!]));
      }
    } else {
      const file = files.find(({ size }) => size === found.size);
      if (file) return new Map([[file, from]]);
    }
  }
  const expected = forms
    .flatMap((known) => published[name][known])
    .map(({ path, size }) => `  ${basename(path)}, ${size.toLocaleString('en')} bytes`);
  const has = found.isDirectory() ? '' : ` (${found.size.toLocaleString('en')} bytes)`;
  throw new Error(`${from}${has} is or holds none of the published files:\n${expected.join('\n')}`);
}

/** Puts a file at hand in its place, as the same file where the disk allows it, else as a copy. */
async function take(source: string, target: string, file: PublishedFile): Promise<void> {
  const problem = await differenceFrom(file, source);
  if (problem !== undefined) throw new Error(`${source} is not the published file: ${problem}.`);
  await mkdir(dirname(target), { recursive: true });
  const temporary = `${target}.${randomUUID()}`;
  try {
    await link(source, temporary).catch(() => copyFile(source, temporary));
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function differenceFrom(
  { size, sha256 }: PublishedFile,
  path: string,
): Promise<string | undefined> {
  const found = await stat(path);
  if (found.size !== size) {
    return `it has ${found.size.toLocaleString('en')} bytes, not ${size.toLocaleString('en')}`;
  }
  const digest = await sha256OfFile(path);
  return digest === sha256 ? undefined : `its sha256 is ${digest}, not ${sha256}`;
}
