import type { Batch, ImageSource, TrainableClassifier } from '@llr/core';
import { fromArrays } from '@llr/datasets';
import { smallConvNet } from '@llr/models';
import { tensor1d, tensor4d } from '@tensorflow/tfjs-core';

const inputShape = [8, 8, 1] as const;
const numClasses = 3;

/** A batch of stripes: class k is bright in the columns that are k modulo 3. Every number is fixed. */
export function stripes(size = 6, from = 0): Batch {
  const images = new Float32Array(size * 64);
  const labels = Int32Array.from({ length: size }, (_, i) => (i + from) % numClasses);
  for (let i = 0; i < size; i++) {
    for (let pixel = 0; pixel < 64; pixel++) {
      const wobble = ((pixel * 37 + (i + from) * 101) % 17) / 34;
      images[i * 64 + pixel] = pixel % numClasses === labels[i] ? 1 - wobble : wobble;
    }
  }
  return {
    images: tensor4d(images, [size, 8, 8, 1]),
    labels: tensor1d(labels, 'int32'),
    indices: Int32Array.from({ length: size }, (_, i) => i + from),
  };
}

/** Stripes as a data set. */
export function stripeSource(size: number, split = 'train'): ImageSource {
  const { images, labels } = stripes(size);
  return fromArrays({
    name: 'stripes',
    images: Uint8Array.from(images.dataSync(), (pixel) => Math.round(pixel * 255)),
    labels: Uint8Array.from(labels.dataSync()),
    inputShape,
    classNames: ['a', 'b', 'c'],
    split,
  });
}

export const tinyNetwork = (seed = 0): TrainableClassifier & { dispose(): void } =>
  smallConvNet({ inputShape, numClasses, channels: [4, 6], hidden: 8, seed });
