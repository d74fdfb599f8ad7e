import type { ImageSource } from '@llr/core';
import { tensor1d, tensor4d } from '@tensorflow/tfjs-core';

/** Images given as numbers, which are numbered from 100 on. */
export const madeUpSource = (
  inputShape: readonly [number, number, number],
  images: readonly (readonly number[])[],
  labels: readonly number[],
  classNames: readonly string[] = ['a', 'b', 'c'],
): ImageSource => ({
  name: 'made up',
  inputShape,
  classNames,
  split: 'test',
  size: images.length,
  async *batches({ batchSize, from = 0 }) {
    for (let at = from * batchSize; at < images.length; at += batchSize) {
      const some = images.slice(at, at + batchSize);
      yield {
        images: tensor4d(some.flat(), [some.length, ...inputShape]),
        labels: tensor1d(labels.slice(at, at + batchSize), 'int32'),
        indices: Int32Array.from(some, (_, i) => 100 + at + i),
      };
    }
  },
});
