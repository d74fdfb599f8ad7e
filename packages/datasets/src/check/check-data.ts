import type { Batch } from '@llr/core';
import { dispose } from '@tensorflow/tfjs-core';
import type { IndexedSource } from '../from-arrays.ts';
import { ContactSheet } from './contact-sheet.ts';
import { PixelSums } from './pixel-sums.ts';

/** An image that can't be read. */
export interface DamagedImage {
  readonly index: number;
  /** What its source says of it: the file, the place, the cause. */
  readonly message: string;
}

/** What is in a data set. */
export interface DataCheck {
  readonly name: string;
  readonly split: string;
  readonly inputShape: IndexedSource['inputShape'];
  /** How many images there are, damaged ones included. */
  readonly size: number;
  /** How many images each class has, damaged ones left out. */
  readonly classes: readonly { readonly name: string; readonly count: number }[];
  /** Of all pixels of a channel, in the units of the pixel box [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly damaged: readonly DamagedImage[];
  /** The first images of each class, as the network sees them: a PNG. */
  sheet(): Uint8Array;
}

const batchSize = 256;

/**
 * Reads every image of a source once, in its own order: how many there are of each class, the mean and standard
 * deviation of the pixels, and which images can't be read.
 *
 * @param onProgress - after each batch, with the number of images read
 */
export async function checkData(
  source: IndexedSource,
  onProgress: (read: number) => void = () => {},
): Promise<DataCheck> {
  const { name, split, inputShape, size, classNames } = source;
  const counts = classNames.map(() => 0);
  const pixels = new PixelSums(inputShape[2]);
  const sheet = new ContactSheet(inputShape, classNames.length);
  const take = async ({ images, labels }: Batch) => {
    const [values, classes] = await Promise.all([images.data(), labels.data()]);
    dispose({ images, labels });
    pixels.add(values as Float32Array);
    for (const [row, label] of classes.entries()) {
      counts[label]! += 1;
      sheet.add(label, values as Float32Array, row);
    }
  };
  const damaged: DamagedImage[] = [];
  for (let from = 0; from < size; from += batchSize) {
    const count = Math.min(batchSize, size - from);
    if ((await failure(source.part(from, count), take)) !== undefined) {
      damaged.push(...(await damagedAmong(source, from, count, take)));
    }
    onProgress(from + count);
  }
  return {
    name,
    split,
    inputShape,
    size,
    classes: classNames.map((name, label) => ({ name, count: counts[label]! })),
    ...pixels.result(),
    damaged,
    sheet: () => sheet.png(),
  };
}

type Take = (batch: Batch) => Promise<void>;

/** Takes some images as one batch; what is wrong where that can't be done, and then none of them is taken. */
async function failure(part: IndexedSource, take: Take): Promise<string | undefined> {
  const [read] = await Promise.allSettled([firstBatch(part)]);
  if (read.status === 'rejected') return (read.reason as Error).message;
  await take(read.value);
  return undefined;
}

async function firstBatch(part: IndexedSource): Promise<Batch> {
  for await (const batch of part.batches({ batchSize: part.size })) return batch;
  throw new Error(`${part.name}, ${part.split}, gives no images.`);
}

/** Takes the images that can be read, one by one. */
async function damagedAmong(
  source: IndexedSource,
  from: number,
  count: number,
  take: Take,
): Promise<DamagedImage[]> {
  const damaged: DamagedImage[] = [];
  for (let index = from; index < from + count; index++) {
    const message = await failure(source.part(index, 1), take);
    if (message !== undefined) damaged.push({ index, message });
  }
  return damaged;
}
