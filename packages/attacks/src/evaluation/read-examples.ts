import type { Batch, Classifier, ImageSource } from '@llr/core';
import { dispose } from '@tensorflow/tfjs-core';

/** An image of the source, in memory. */
export interface Example {
  /** In the order of the source. */
  readonly position: number;
  /** Which example of the source it is: what its random numbers depend on. */
  readonly index: number;
  readonly label: number;
  /** `[h · w · c]` in [0, 1]. */
  readonly image: Float32Array;
}

/**
 * Reads a source batch by batch, in its own order, and checks what comes against the classifier that is to see it.
 *
 * @param from - the first batch
 * @throws Error when the source has no images or another number of them than it says, a label isn't a class, or a pixel
 *   isn't in [0, 1]
 */
export async function* readExamples(
  data: ImageSource,
  classifier: Classifier,
  batchSize: number,
  from = 0,
): AsyncGenerator<Example[], void, undefined> {
  const length = data.inputShape.reduce((product, n) => product * n, 1);
  let position = from * batchSize;
  for await (const batch of data.batches({ batchSize, from })) {
    const { images, labels, indices } = await readAndDispose(batch);
    if (position + labels.length > data.size) {
      throw new Error(`${data.name} gave more images than its ${data.size}.`);
    }
    yield Array.from(labels, (label, row) => {
      const image = images.slice(row * length, (row + 1) * length);
      const example = { position: position + row, index: indices[row]!, label, image };
      assertLabel(example, data, classifier);
      assertPixels(example, data);
      return example;
    });
    position += labels.length;
  }
  if (position < data.size) {
    throw new Error(`${data.name} gave ${position} images of the ${data.size} it has.`);
  }
}

/** @throws Error when a source's images are not of the shape that the classifier takes, or there are none */
export function assertSource(data: ImageSource, classifier: Classifier): void {
  if (data.inputShape.join() !== classifier.inputShape.join()) {
    throw new Error(
      `${data.name} has images of ${data.inputShape.join(' × ')}, but ${classifier.name} takes ${classifier.inputShape.join(' × ')}.`,
    );
  }
  if (!(data.size > 0)) throw new Error(`${data.name} (${data.split}) has no images.`);
}

async function readAndDispose({ images, labels, indices }: Batch) {
  try {
    return {
      images: (await images.data()) as Float32Array,
      labels: (await labels.data()) as Int32Array,
      indices,
    };
  } finally {
    dispose([images, labels]);
  }
}

function assertLabel({ index, label }: Example, data: ImageSource, classifier: Classifier): void {
  const { numClasses, name } = classifier;
  if (label >= 0 && label < numClasses) return;
  throw new Error(
    `${data.name}: example ${index} has label ${label}, but ${name} knows the classes 0 to ${numClasses - 1}.`,
  );
}

function assertPixels({ index, image }: Example, data: ImageSource): void {
  const pixel = image.find((value) => !(value >= 0 && value <= 1));
  if (pixel === undefined) return;
  throw new Error(
    `${data.name}: example ${index} has a pixel of ${pixel}; images must be in [0, 1].`,
  );
}
