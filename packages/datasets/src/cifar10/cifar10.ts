import { fromArrays, type IndexedSource } from '../from-arrays.ts';
import { padCropFlip } from '../pad-crop-flip.ts';
import { assertSplit, type Split } from '../split.ts';
import { findFolder, readClassNames, readRecords } from './files.ts';
import { bytesPerRecord, decodeRecords } from './records.ts';

const files: Record<Split, readonly string[]> = {
  train: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
  test: ['test_batch.bin'],
};

/** As in the official batches.meta.txt. */
const officialClassNames = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

/**
 * CIFAR-10 (Krizhevsky 2009) from the files of its binary version: 32 × 32 × 3, ten classes, 50,000
 * training and 10,000 test images. `batches({ augment: true })` applies `padCropFlip()` to training images.
 *
 * @param options.directory - the folder of the .bin files, or one that holds `cifar-10-batches-bin`
 * @param options.partial - accept files with another number of (whole) records than the official 10,000,
 *   such as a prefix; default false, since a truncated file can end between two records
 * @throws an error that names the folder, the file or the record when something is missing, truncated or
 *   not CIFAR-10
 */
export async function cifar10(options: {
  directory: string;
  split: Split;
  partial?: boolean;
}): Promise<IndexedSource> {
  const { directory, split, partial = false } = options;
  assertSplit('cifar10', split);
  const folder = await findFolder(directory);
  const classNames = (await readClassNames(folder)) ?? officialClassNames;
  const read = [];
  for (const name of files[split]) read.push(await readRecords(folder, name, partial));
  const count = read.reduce((sum, { records }) => sum + records.length / bytesPerRecord, 0);
  const images = new Uint8Array(count * 32 * 32 * 3);
  const labels = new Uint8Array(count);
  let first = 0;
  for (const { file, records } of read) {
    decodeRecords(records, file, images.subarray(first * 3072), labels.subarray(first));
    first += records.length / bytesPerRecord;
  }
  return fromArrays({
    name: 'cifar10',
    split,
    inputShape: [32, 32, 3],
    classNames,
    images,
    labels,
    ...(split === 'train' ? { augment: padCropFlip() } : {}),
  });
}
