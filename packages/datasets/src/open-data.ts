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

export interface OpenDataOptions extends StreamOptions {
  /** Accept a part of CIFAR or ImageNet: another number of images than the official one. Default false. */
  partial?: boolean;
}

/** A data set that can be named, by its name alone or as `name:PATH`. */
interface Named {
  usage: string;
  /** Whether a path can, must or can't follow. */
  path: 'optional' | 'required' | 'none';
  open(split: Split, path: string | undefined, options: OpenDataOptions): Promise<IndexedSource>;
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
    open: (split, from, options) => cifar10({ split, ...cifarOptions(from, options) }),
  },
  cifar100: {
    usage: 'cifar100[:PATH]',
    path: 'optional',
    open: (split, from, options) => cifar100({ split, ...cifarOptions(from, options) }),
  },
  imagenet: {
    usage: 'imagenet:PATH',
    path: 'required',
    open: (split, source, options) =>
      imageNet({
        source: source!,
        split: split === 'test' ? 'validation' : split,
        ...options,
      }),
  },
  folder: {
    usage: 'folder:PATH',
    path: 'required',
    open: (split, directory, { partial: _, ...stream }) => folderSplit(directory!, split, stream),
  },
};

const cifarOptions = (from: string | undefined, { partial = false }: OpenDataOptions) => ({
  ...(from && { from }),
  partial,
});

/** How each is written. */
export const dataUsages: readonly string[] = Object.values(known).map(({ usage }) => usage);

/**
 * The data set that a word stands for: `'fashion-mnist'`; `'cifar10:PATH'` and `'cifar100:PATH'` with a
 * folder or archive in whatever form, or without a path what `llr data get` has downloaded;
 * `'imagenet:PATH'`, a path or an address in whatever form (`'test'` is its validation split); `'folder:PATH'`,
 * a folder with `train` and `test` (or `val`), each with a folder for each class.
 *
 * @param options - how images that come encoded, of the last two, are decoded and delivered; `partial`
 * @throws RangeError at once when the word names no known data set; missing or damaged files are errors
 *   of `open`
 */
export function openData(spec: string, options: OpenDataOptions = {}): Data {
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
  return { name, open: (split) => named.open(split, path, options) };
}
