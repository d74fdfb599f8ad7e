import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { archiveKind, longestFile, readArchive } from './archive.ts';
import type { Form } from './forms.ts';
import type { Variant } from './variants.ts';

/** The files of a split, and how they were found. */
export interface Found {
  readonly form: Form;
  /** For people: the form, and the folder or archive. */
  readonly description: string;
  readonly files: readonly { readonly file: string; read(): Promise<Uint8Array> }[];
  /** A small text file beside them, if it is there. */
  text(name: string): Promise<{ file: string; text: string } | undefined>;
}

/**
 * Finds the files of a split: in a folder, in the official folders inside it, in an archive in it, or in a
 * file. Which form they have is found out by their names.
 *
 * @param forms - of the split, the preferred first
 * @throws an error that says what is missing, and what should be there
 */
export async function findFiles(
  from: string,
  variant: Variant,
  forms: readonly Form[],
): Promise<Found> {
  const place = resolve(from);
  const found = await stat(place).catch(() => undefined);
  if (!found) {
    throw new Error(`There is no folder or file ${place}: it should hold ${wanted(variant)}.`);
  }
  if (!found.isDirectory()) return inFile(place, variant, forms);
  const paths = await list(place, variant);
  const candidates = forms.filter((form) => paths.some((path) => form.recognizes(path)));
  const complete = candidates.find((form) => form.arrange(paths).missing.length === 0);
  if (complete) return inFolder(place, paths, complete);
  const archive = (await readdir(place)).sort().find((name) => isArchiveOf(variant, name));
  if (archive !== undefined) return inFile(join(place, archive), variant, forms);
  if (candidates[0]) return inFolder(place, paths, candidates[0]);
  throw new Error(`${place} holds no ${variant.title}: it should hold ${wanted(variant)}.`);
}

const wanted = ({ title, files, folders }: Variant) => {
  const names = [...files.train, ...files.test].map((name) => `${name}.bin`);
  const binary =
    names.length > 2 ? `${names[0]} to ${names.at(-2)} and ${names.at(-1)}` : names.join(' and ');
  return `the files of ${title}'s binary version (${binary}), of its Python version (${folders.python}) or of Hugging Face (${folders.parquet}/train-00000-of-00001.parquet), or be an archive of them`;
};

/** `cifar-10-binary.tar.gz`, `cifar-100-python.tar`, … */
function isArchiveOf({ name }: Variant, file: string): boolean {
  const number = name === 'cifar10' ? '10' : '100';
  return new RegExp(`^cifar-?${number}-(binary|python)\\.(tar|tar\\.gz|tgz)$`).test(file);
}

/** The files in a folder and in the folders of the official names inside it. */
async function list(folder: string, { folders }: Variant): Promise<string[]> {
  const inner = [...Object.values(folders), 'train', 'test', 'data'];
  const visit = async (path: string, depth: number): Promise<string[]> => {
    const names = await readdir(join(folder, path)).catch(() => []);
    const paths = names.sort().map((name) => (path === '' ? name : `${path}/${name}`));
    const kinds = await Promise.all(
      paths.map((inside) => stat(join(folder, inside)).catch(() => undefined)),
    );
    const files = paths.filter((_, i) => kinds[i]?.isFile());
    const deeper = paths.filter((_, i) => kinds[i]?.isDirectory() && inner.includes(names[i]!));
    if (depth === 2) return files;
    const below = await Promise.all(deeper.map((inside) => visit(inside, depth + 1)));
    // What lies in the official folders goes before what lies loose beside them.
    return [...below.flat(), ...files];
  };
  return visit('', 0);
}

async function inFolder(folder: string, paths: readonly string[], form: Form): Promise<Found> {
  const { files, missing } = form.arrange(paths);
  if (missing.length > 0) {
    const where = files[0] ?? paths.find((path) => form.recognizes(path)) ?? '';
    const beside = dirname(join(folder, where));
    throw new Error(`${join(beside, missing[0]!)} is missing${among(missing)} (${form.name}).`);
  }
  const found = files.map((path) => join(folder, path));
  return {
    form,
    description: `${form.name}, folder ${dirname(join(folder, files[0]!))}`,
    files: found.map((file) => ({ file, read: () => readWhole(file) })),
    text: async (name) => {
      const file = join(folder, dirname(files[0]!), name);
      const text = await readFile(file, 'utf8').catch(() => undefined);
      return text === undefined ? undefined : { file, text };
    },
  };
}

async function readWhole(file: string): Promise<Uint8Array> {
  const { size } = await stat(file);
  if (size <= longestFile) return readFile(file);
  throw new Error(`${file} is too large for CIFAR: ${size.toLocaleString('en')} bytes.`);
}

const among = (missing: readonly string[]) =>
  missing.length === 1 ? '' : `, and ${missing.length - 1} more of this split`;

async function inFile(file: string, variant: Variant, forms: readonly Form[]): Promise<Found> {
  const kind = await archiveKind(file);
  if (kind === undefined) {
    const form = forms.find((known) => known.recognizes(basename(file)));
    if (form) return inFolder(dirname(file), [basename(file)], form);
    throw new Error(
      `${file} is no folder, tar archive or file of ${variant.title}: it should hold ${wanted(variant)}.`,
    );
  }
  // The first file that belongs to a form decides on it.
  let form: Form | undefined;
  const texts = variant.fields.map(({ namesFile }) => namesFile);
  const { files, paths } = await readArchive(file, kind, (path) => {
    form ??= forms.find((known) => known.recognizes(path));
    return form?.arrange([path]).files.length === 1 || texts.includes(basename(path));
  });
  if (!form) {
    throw new Error(`${file} holds no ${variant.title}: it should hold ${wanted(variant)}.`);
  }
  const arranged = form.arrange(paths);
  if (arranged.missing.length > 0) {
    throw new Error(
      `${arranged.missing[0]} is missing in ${file}${among(arranged.missing)} (${form.name}).`,
    );
  }
  return {
    form,
    description: `${form.name}, archive ${file}`,
    files: arranged.files.map((path) => ({
      file: `${file}, ${path},`,
      read: async () => {
        const bytes = files.get(path)!;
        // Decoded, it is needed no more.
        files.delete(path);
        return bytes;
      },
    })),
    text: async (name) => {
      const found = [...files].find(([path]) => basename(path) === name);
      return found && { file: `${file}, ${name},`, text: new TextDecoder().decode(found[1]) };
    },
  };
}
