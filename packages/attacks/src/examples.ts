import type { Batch, Classifier, ImageSource } from '@llr/core';
import { dispose, type Tensor1D, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';

/** All the images of a source in memory, in the source's order. */
export interface Examples {
  readonly count: number;
  readonly shape: readonly [height: number, width: number, channels: number];
  /** `[count · h · w · c]` */
  readonly images: Float32Array;
  readonly labels: Int32Array;
  /** Which example of the source each row is: what its random numbers depend on. */
  readonly indices: Int32Array;
}

/**
 * Reads a source into memory and checks it against the classifier that is to see it.
 *
 * @throws Error when shapes or labels don't fit the classifier, pixels lie outside [0, 1], or images are missing
 */
export async function collectExamples(
  data: ImageSource,
  classifier: Classifier,
  batchSize: number,
): Promise<Examples> {
  const [height, width, channels] = classifier.inputShape;
  if (data.inputShape.join() !== classifier.inputShape.join()) {
    throw new Error(
      `${data.name} has images of ${data.inputShape.join(' × ')}, but ${classifier.name} takes ${classifier.inputShape.join(' × ')}.`,
    );
  }
  const count = data.size;
  if (!(count > 0)) throw new Error(`${data.name} (${data.split}) has no images.`);
  const pixels = height * width * channels;
  const examples = {
    count,
    shape: [height, width, channels] as const,
    images: new Float32Array(count * pixels),
    labels: new Int32Array(count),
    indices: new Int32Array(count),
  };
  let rows = 0;
  for await (const batch of data.batches({ batchSize })) {
    const { images, labels } = await readAndDispose(batch);
    const found = labels.length;
    if (rows + found > count) throw new Error(`${data.name} gave more images than its ${count}.`);
    examples.images.set(images, rows * pixels);
    examples.labels.set(labels, rows);
    examples.indices.set(batch.indices, rows);
    rows += found;
  }
  if (rows < count) throw new Error(`${data.name} gave ${rows} images of the ${count} it has.`);
  checkLabels(examples, data, classifier);
  checkPixels(examples, data);
  return examples;
}

async function readAndDispose(batch: Batch) {
  try {
    return { images: await batch.images.data(), labels: await batch.labels.data() };
  } finally {
    dispose([batch.images, batch.labels]);
  }
}

function checkLabels({ labels, indices }: Examples, data: ImageSource, classifier: Classifier) {
  const { numClasses } = classifier;
  const row = labels.findIndex((label) => label < 0 || label >= numClasses);
  if (row < 0) return;
  throw new Error(
    `${data.name}: example ${indices[row]} has label ${labels[row]}, but ${classifier.name} knows the classes 0 to ${numClasses - 1}.`,
  );
}

function checkPixels({ images, indices, shape }: Examples, data: ImageSource) {
  const at = images.findIndex((pixel) => !(pixel >= 0 && pixel <= 1));
  if (at < 0) return;
  const row = Math.floor(at / (shape[0] * shape[1] * shape[2]));
  throw new Error(
    `${data.name}: example ${indices[row]} has a pixel of ${images[at]}; images must be in [0, 1].`,
  );
}

/** Some rows as a batch of a fixed size. Only the first `rows.length` of its rows count. */
export interface PaddedBatch {
  readonly rows: readonly number[];
  readonly images: Tensor4D;
  readonly labels: Tensor1D;
  readonly indices: Int32Array;
}

/**
 * Gathers rows into one batch, padded to the full size by repeating the first of them, so that every batch is the same
 * computation and the result for a row depends on no other.
 */
export function paddedBatch(
  examples: Examples,
  rows: readonly number[],
  batchSize: number,
): PaddedBatch {
  const { shape, images, labels, indices } = examples;
  const pixels = shape[0] * shape[1] * shape[2];
  const padded = Int32Array.from({ length: batchSize }, (_, i) => rows[i] ?? rows[0]!);
  const gathered = new Float32Array(batchSize * pixels);
  padded.forEach((row, i) => {
    gathered.set(images.subarray(row * pixels, (row + 1) * pixels), i * pixels);
  });
  return {
    rows,
    images: tensor4d(gathered, [batchSize, ...shape]),
    labels: tensor1d(
      padded.map((row) => labels[row]!),
      'int32',
    ),
    indices: padded.map((row) => indices[row]!),
  };
}

/** Rows in groups of at most `batchSize`. */
export function* groupsOf(rows: readonly number[], batchSize: number): Generator<number[]> {
  for (let from = 0; from < rows.length; from += batchSize) {
    yield rows.slice(from, from + batchSize);
  }
}
