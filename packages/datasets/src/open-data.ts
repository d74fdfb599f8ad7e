import type { ImageSource } from '@llr/core';
import { cifar10 } from './cifar/cifar.ts';
import { fashionMnist } from './fashion-mnist.ts';
import type { Split } from './split.ts';

/** A data set named on a command line or in a config; its files are looked at when a split is opened. */
export interface Data {
  readonly name: string;
  open(split: Split): Promise<ImageSource>;
}

/** A data set that can be named: by its name alone, or as `name:DIR` where its files have to be found. */
interface Named {
  usage: string;
  needsDirectory: boolean;
  open(split: Split, directory: string): Promise<ImageSource>;
}

const known: Record<string, Named> = {
  'fashion-mnist': {
    usage: 'fashion-mnist',
    needsDirectory: false,
    open: (split) => fashionMnist({ split }),
  },
  cifar10: {
    usage: 'cifar10:DIR',
    needsDirectory: true,
    open: (split, from) => cifar10({ from, split }),
  },
};

/**
 * The data set that a word stands for: `'fashion-mnist'`, or `'cifar10:DIR'` with the folder of the binary
 * files.
 *
 * @throws RangeError at once when the word names no known data set; missing or damaged files are errors
 *   of `open`
 */
export function openData(spec: string): Data {
  const colon = spec.indexOf(':');
  const name = colon < 0 ? spec : spec.slice(0, colon);
  const directory = colon < 0 ? undefined : spec.slice(colon + 1);
  const named = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!named) {
    const usages = Object.values(known).map(({ usage }) => usage);
    throw new RangeError(`Unknown data '${spec}': known are ${usages.join(' and ')}.`);
  }
  if (named.needsDirectory ? !directory : directory !== undefined) {
    throw new RangeError(`Data '${spec}' should be written ${named.usage}.`);
  }
  return { name, open: (split) => named.open(split, directory ?? '') };
}
