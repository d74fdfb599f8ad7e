import { classNames } from './class-names.ts';
import { type Contents, readBrotli } from './read-brotli.ts';

/** One split of Fashion-MNIST, as bytes. The arrays are the caller's own. */
export interface FashionMnist {
  /** `count` × 28 × 28 bytes, row by row: 0 is background, 255 is brightest. */
  images: Uint8Array;
  /** `count` bytes, 0 to 9: positions in `classNames`. */
  labels: Uint8Array;
  count: number;
  height: 28;
  width: 28;
  classNames: readonly string[];
}

const contents: Record<'train' | 'test', { images: Contents; labels: Contents }> = {
  train: {
    images: {
      byteLength: 15_680_000,
      sha256: '58e4771950337033c6f5665c995cab5743ed89bf7399fd5c583cf4de053257d1',
    },
    labels: {
      byteLength: 20_000,
      sha256: '9096aaf5e84faa7a18c04a6f597e5adc34d95d60b46296a4a1bb09c2e49d9d15',
    },
  },
  test: {
    images: {
      byteLength: 7_840_000,
      sha256: 'c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a',
    },
    labels: {
      byteLength: 10_000,
      sha256: '3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9',
    },
  },
};

/**
 * The first 20,000 training images of Fashion-MNIST, or all its 10,000 test images (Xiao et al. 2017),
 * in their original order. Unpacked and checked anew at each call, in a fraction of a second.
 *
 * @throws when the split is neither `'train'` nor `'test'`, or a data file is missing or damaged
 */
export function loadFashionMnist(split: 'train' | 'test'): FashionMnist {
  if (!Object.hasOwn(contents, split)) {
    throw new RangeError(`Fashion-MNIST has the splits 'train' and 'test'; got '${split}'.`);
  }
  const read = (part: 'images' | 'labels') =>
    readBrotli(new URL(`../data/${split}-${part}.br`, import.meta.url), contents[split][part]);
  const images = read('images');
  const labels = read('labels');
  return { images, labels, count: labels.length, height: 28, width: 28, classNames };
}
