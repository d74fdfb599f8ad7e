import type { ImageSource } from '@llr/core';
import { cifar10, cifar100 } from './cifar/cifar.ts';
import { fashionMnist } from './fashion-mnist.ts';
import type { Split } from './split.ts';

/** A data set named on a command line or in a config; its files are looked at when a split is opened. */
export interface Data {
  readonly name: string;
  open(split: Split): Promise<ImageSource>;
}

/** A data set that can be named, by its name alone or as `name:PATH`. */
interface Named {
  usage: string;
  /** Whether a path can, must or can't follow. */
  path: 'optional' | 'required' | 'none';
  open(split: Split, path: string | undefined): Promise<ImageSource>;
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
};

/**
 * The data set that a word stands for: `'fashion-mnist'`; `'cifar10:PATH'` and `'cifar100:PATH'` with a
 * folder or archive in whatever form, or without a path what `llr data get` has downloaded.
 *
 * @throws RangeError at once when the word names no known data set; missing or damaged files are errors
 *   of `open`
 */
export function openData(spec: string): Data {
  const colon = spec.indexOf(':');
  const name = colon < 0 ? spec : spec.slice(0, colon);
  const path = colon < 0 ? undefined : spec.slice(colon + 1);
  const named = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!named) {
    const usages = Object.values(known).map(({ usage }) => usage);
    throw new RangeError(
      `Unknown data '${spec}': known are ${usages.slice(0, -1).join(', ')} and ${usages.at(-1)}.`,
    );
  }
  const wrong =
    path === '' ||
    (named.path === 'required' && path === undefined) ||
    (named.path === 'none' && path !== undefined);
  if (wrong) throw new RangeError(`Data '${spec}' should be written ${named.usage}.`);
  return { name, open: (split) => named.open(split, path) };
}
