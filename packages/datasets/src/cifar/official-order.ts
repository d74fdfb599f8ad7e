import { bytesPerImage, type Examples } from './examples.ts';
import { officialSize } from './variants.ts';

/**
 * CIFAR-10's training images in the official order, data_batch_1 to 5. Hugging Face's parquet has the same
 * images, but took the batches as they lie in the official archive: 4, 3, 2, 5, 1. An index should mean the
 * same image in every form, so that splits and results can be compared.
 *
 * @returns the same examples where their order is the official one, or not known
 */
export function inOfficialOrder(examples: Examples): Examples {
  const { count, images, labels } = examples;
  if (count !== officialSize.train || !beginsAt(examples, archiveOrder.indexOf(1))) return examples;
  const batches = [1, 2, 3, 4, 5].map((batch) => archiveOrder.indexOf(batch));
  const reorder = (values: Uint8Array, size: number) => {
    const ordered = new Uint8Array(values.length);
    const length = batchSize * size;
    batches.forEach((from, to) => {
      ordered.set(values.subarray(from * length, (from + 1) * length), to * length);
    });
    return ordered;
  };
  return {
    count,
    images: reorder(images, bytesPerImage),
    labels: labels.map((values) => reorder(values, 1)),
  };
}

const batchSize = 10_000;

const archiveOrder = [4, 3, 2, 5, 1];

/** The labels of the first images of data_batch_1: frog, truck, truck, deer, car, car, … */
const first = [6, 9, 9, 4, 1, 1, 2, 7, 8, 3];

const beginsAt = ({ labels }: Examples, batch: number) =>
  first.every((label, i) => labels[0]![batch * batchSize + i] === label);
