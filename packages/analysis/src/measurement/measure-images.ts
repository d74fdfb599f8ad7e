import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { assertLabels, type Batch, type Classifier, type ImageSource } from '@llr/core';
import { gather, type Tensor1D, type Tensor4D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { MeasurementOptions } from './journal.ts';

/**
 * Streams images through a measurement, batch by batch, from where its journal ends.
 *
 * @param measure - of a batch of exactly `batchSize` rows, the last ones repeating the last image where there are no
 *   more; gives something for each of the first `count`
 * @returns what was measured of every image, in the source's order
 * @throws RangeError when the images don't fit the classifier, or the journal is of other batches; Error when there are
 *   no images; the signal's reason when it is aborted
 */
export async function measureImages<Measured>(
  input: MeasurementOptions<Measured> & {
    classifier: Classifier;
    data: ImageSource;
    batchSize: number;
    measure: (batch: Batch, count: number) => Promise<Measured[]>;
  },
): Promise<Measured[]> {
  const { classifier, data, batchSize, journal, signal, onProgress, measure } = input;
  assertFits(classifier, data);
  const measured = [...(journal?.restored ?? [])];
  const from = batchesDone(measured.length, batchSize, data);
  const tell = () => onProgress?.({ done: measured.length, total: data.size });
  if (measured.length > 0) tell();
  if (measured.length === data.size) return measured;
  for await (const batch of data.batches({ batchSize, from })) {
    const full = filled(batch, batchSize);
    try {
      signal?.throwIfAborted();
      assertLabels(full.labels, classifier.numClasses);
      const found = await measure(full, batch.indices.length);
      await journal?.record(found);
      measured.push(...found);
    } finally {
      full.images.dispose();
      full.labels.dispose();
    }
    tell();
    // For Ctrl-C, and for progress to be drawn.
    await turnOfEventLoop();
  }
  return measured;
}

function batchesDone(images: number, batchSize: number, { name, size }: ImageSource): number {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchSize must be a whole number from 1; got ${batchSize}.`);
  }
  if (size === 0) throw new Error(`${name} has no images.`);
  if (images > size || (images < size && images % batchSize !== 0)) {
    throw new RangeError(
      `The journal has ${images} images, which is no number of batches of ${batchSize} of ${name} with its ${size}.`,
    );
  }
  return images / batchSize;
}

/** A batch of `batchSize` rows; disposes of the one it is made of. */
function filled(batch: Batch, batchSize: number): Batch {
  const last = batch.indices.length - 1;
  const rows = Int32Array.from({ length: batchSize }, (_, row) => Math.min(row, last));
  const [images, labels] = tidy(() => {
    const at = tensor1d(rows, 'int32');
    return [gather(batch.images, at) as Tensor4D, gather(batch.labels, at) as Tensor1D];
  });
  batch.images.dispose();
  batch.labels.dispose();
  return { images, labels, indices: rows.map((row) => batch.indices[row]!) };
}

function assertFits(classifier: Classifier, data: ImageSource): void {
  if (classifier.inputShape.join() !== data.inputShape.join()) {
    throw new RangeError(
      `${classifier.name} takes images of ${classifier.inputShape.join(' × ')}, but ${data.name} has ${data.inputShape.join(' × ')}.`,
    );
  }
}
