import { cifar10, cifar100 } from './cifar/cifar.ts';
import { fashionMnist } from './fashion-mnist.ts';
import { folderSplit } from './folder-split.ts';
import type { IndexedSource } from './from-arrays.ts';
import { imageNet } from './imagenet.ts';
import type { Split } from './split.ts';
import type { StreamOptions } from './streams/stream-options.ts';

/** A data set named on a command line or in a config; its files are looked at when a split is opened. */
export interface Data {
  readonly name: string;
  open(split: Split): Promise<IndexedSource>;
}

/** A data set that can be named, by its name alone or as `name:PATH`. */
interface Named {
  usage: string;
  /** Whether a path can, must or can't follow. */
  path: 'optional' | 'required' | 'none';
  open(split: Split, path: string | undefined, stream: StreamOptions): Promise<IndexedSource>;
}

const known: Record<string, Named> = {
  'fashion-mnist': {
    usage: 'fashion-mnist',
    path: 'none',
    open: (split) => fashionMnist({ split }),
  },
  cifar10: {
    usage: 'cifar10[:PATH]',
    path: 'optional',
    open: (split, from) => cifar10({ split, ...(from ? { from } : {}) }),
  },
  cifar100: {
    usage: 'cifar100[:PATH]',
    path: 'optional',
    open: (split, from) => cifar100({ split, ...(from ? { from } : {}) }),
  },
  imagenet: {
    usage: 'imagenet:PATH',
    path: 'required',
    open: (split, source, stream) =>
      imageNet({
        source: source!,
        split: split === 'test' ? 'validation' : split,
        ...stream,
      }),
  },
  folder: {
    usage: 'folder:PATH',
    path: 'required',
    open: (split, directory, stream) => folderSplit(directory!, split, stream),
  },
};

/** How each is written. */
export const dataUsages: readonly string[] = Object.values(known).map(({ usage }) => usage);

/**
 * The data set that a word stands for: `'fashion-mnist'`; `'cifar10:PATH'` and `'cifar100:PATH'` with a
 * folder or archive in whatever form, or without a path what `llr data get` has downloaded;
 * `'imagenet:PATH'`, a path or an address in whatever form (`'test'` is its validation split); `'folder:PATH'`,
 * a folder with `train` and `test` (or `val`), each with a folder for each class.
 *
 * @param stream - how images that come encoded, of the last two, are decoded and delivered
 * @throws RangeError at once when the word names no known data set; missing or damaged files are errors
 *   of `open`
 */
export function openData(spec: string, stream: StreamOptions = {}): Data {
  const colon = spec.indexOf(':');
  const name = colon < 0 ? spec : spec.slice(0, colon);
  const path = colon < 0 ? undefined : spec.slice(colon + 1);
  const named = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!named) {
    throw new RangeError(
      `Unknown data '${spec}': known are ${dataUsages.slice(0, -1).join(', ')} and ${dataUsages.at(-1)}.`,
    );
  }
  const wrong =
    path === '' ||
    (named.path === 'required' && path === undefined) ||
    (named.path === 'none' && path !== undefined);
  if (wrong) throw new RangeError(`Data '${spec}' should be written ${named.usage}.`);
  return { name, open: (split) => named.open(split, path, stream) };
}
