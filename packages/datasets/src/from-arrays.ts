import { type Batch, type BatchOptions, type ImageSource, randomSource } from '@llr/core';
import { tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import type { Augmentation } from './augmentation.ts';
import { batchPlan } from './batch-plan.ts';

/** Labelled images in memory. */
export interface ImageArrays {
  name: string;
  split: string;
  inputShape: readonly [height: number, width: number, channels: number];
  /** The name of each label. */
  classNames: readonly string[];
  /** Bytes, `[n, h, w, c]`: 0 to 255 stands for [0, 1]. Read where they are, so don't change them. */
  images: Uint8Array;
  /** `[n]`, whole numbers from 0 to classes − 1. */
  labels: ArrayLike<number>;
  /** What `batches({ augment: true })` applies; without it, nothing. */
  augment?: Augmentation;
}

/** A source whose images can be reached in any order. */
export interface IndexedSource extends ImageSource {
  /** `size` images beginning with the one at `from`, numbered as they are here. See `subset`. */
  part(from: number, size: number): IndexedSource;
}

/**
 * Images in memory as a source of batches.
 *
 * Order and augmentation depend on nothing but (seed, epoch, index): not on the batch size, the number of
 * processes, or where a run was resumed. Tensors are made batch by batch and are the consumer's.
 *
 * @throws when sizes and shape disagree or a label is out of range, naming the image; its `batches`
 *   throws RangeError at once, when an option is out of range or an epoch has not one full batch
 */
export function fromArrays(arrays: ImageArrays): IndexedSource {
  const labels = checked(arrays);
  return partOf({ ...arrays, labels }, 0, labels.length);
}

type CheckedArrays = ImageArrays & { labels: Int32Array };

function partOf(arrays: CheckedArrays, first: number, size: number): IndexedSource {
  const { name, inputShape, classNames } = arrays;
  const whole = size === arrays.labels.length;
  const split = whole ? arrays.split : `${arrays.split}[${first}:${first + size}]`;
  return {
    name,
    inputShape,
    classNames,
    split,
    size,
    batches: (options) => {
      const plan = batchPlan(`${name}, ${split},`, size, options);
      return makeBatches(arrays, first, plan, options);
    },
    part: (from, length) => partOf(arrays, first + from, length),
  };
}

async function* makeBatches(
  arrays: CheckedArrays,
  first: number,
  plan: ReturnType<typeof batchPlan>,
  { from = 0, augment = false, seed = 0, epoch = 0 }: BatchOptions,
): AsyncGenerator<Batch, void, undefined> {
  const random = randomSource(seed).fork('augment', epoch);
  const augmentation = augment ? arrays.augment : undefined;
  for (let batch = from; batch < plan.count; batch++) {
    const indices = plan.positions(batch).map((position) => first + position);
    // Of a last batch in source order, nothing may be left for the last processes.
    if (indices.length === 0) return;
    const shape: [number, number, number, number] = [indices.length, ...arrays.inputShape];
    const images = gather(arrays, indices);
    augmentation?.apply(images, shape, random.forExamples(indices));
    yield {
      images: tensor4d(toUnitInterval(images), shape, 'float32'),
      labels: tensor1d(
        indices.map((index) => arrays.labels[index]!),
        'int32',
      ),
      indices,
    };
  }
}

function gather({ images, inputShape: [h, w, c] }: ImageArrays, indices: Int32Array): Uint8Array {
  const size = h * w * c;
  const gathered = new Uint8Array(indices.length * size);
  indices.forEach((index, row) => {
    gathered.set(images.subarray(index * size, (index + 1) * size), row * size);
  });
  return gathered;
}

/**
 * Scaled here, not by a tensor op, whose float32 product has other last bits for half of the bytes. The
 * double product rounds to the same float32 as byte / 255, for every byte, and is faster.
 */
function toUnitInterval(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes);
  for (let i = 0; i < values.length; i++) values[i] = values[i]! * (1 / 255);
  return values;
}

/** The labels as int32, after everything about the arrays has been checked. */
function checked({ name, split, inputShape, classNames, images, labels }: ImageArrays): Int32Array {
  const what = `${name}, ${split}`;
  if (inputShape.length !== 3 || !inputShape.every((n) => Number.isSafeInteger(n) && n > 0)) {
    throw new RangeError(`${what}: inputShape is [height, width, channels]; got [${inputShape}].`);
  }
  if (!(images instanceof Uint8Array)) {
    throw new TypeError(`${what}: images must be bytes (a Uint8Array, 0 to 255).`);
  }
  if (labels.length === 0) throw new RangeError(`${what}: there are no images.`);
  const expected = inputShape.reduce((product, n) => product * n, labels.length);
  if (images.length !== expected) {
    throw new RangeError(
      `${what}: ${labels.length} labels and inputShape [${inputShape}] need ${expected} bytes of images; got ${images.length}.`,
    );
  }
  return Int32Array.from(labels, (label, index) => {
    if (Number.isInteger(label) && label >= 0 && label < classNames.length) return label;
    throw new RangeError(
      `${what}: the label of image ${index} must be a whole number from 0 to ${classNames.length - 1}; got ${label}.`,
    );
  });
}
