import { type Batch, type BatchOptions, type ImageSource, randomSource } from '@llr/core';
import { div, type Tensor4D, tensor1d, tensor4d, tidy } from '@tensorflow/tfjs-core';
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
  { batchSize, from = 0, augment = false, seed = 0, epoch = 0 }: BatchOptions,
): AsyncGenerator<Batch, void, undefined> {
  const random = randomSource(seed).fork('augment', epoch);
  const augmentation = augment ? arrays.augment : undefined;
  const { inputShape } = arrays;
  // One for all batches: a fresh array costs more than what is done with it.
  const bytes = new Uint8Array(batchSize * inputShape.reduce((product, n) => product * n, 1));
  const values = new Float32Array(bytes.length);
  for (let batch = from; batch < plan.count; batch++) {
    const indices = plan.positions(batch).map((position) => first + position);
    // Of a last batch in source order, nothing may be left for the last processes.
    if (indices.length === 0) return;
    const shape: [number, number, number, number] = [indices.length, ...inputShape];
    const gathered = gather(arrays, indices, bytes);
    augmentation?.apply(gathered, shape, random.forExamples(indices));
    values.set(gathered);
    const images = toUnitInterval(values.subarray(0, gathered.length), shape);
    const labels = tensor1d(
      indices.map((index) => arrays.labels[index]!),
      'int32',
    );
    yield { images, labels, indices };
  }
}

/** The images at these places, one after the other, in the front of `into`. */
function gather(
  { images, inputShape: [h, w, c] }: ImageArrays,
  indices: Int32Array,
  into: Uint8Array,
): Uint8Array {
  const size = h * w * c;
  indices.forEach((index, row) => {
    into.set(images.subarray(index * size, (index + 1) * size), row * size);
  });
  return into.subarray(0, indices.length * size);
}

/**
 * Divides bytes by 255. A division is rounded to the nearest float32; a product with 1/255 would have other
 * last bits for half of the bytes. It also makes the engine read the values at once, which some put off until a
 * tensor is first computed with: they are another batch's by then.
 */
const toUnitInterval = (bytes: Float32Array, shape: [number, number, number, number]): Tensor4D =>
  tidy(() => div(tensor4d(bytes, shape, 'float32'), 255));

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
