import type { BatchOptions, ImageSource } from '@llr/core';
import { type Augmentation, fromArrays } from '@llr/datasets';
import { dispose } from '@tensorflow/tfjs-core';

/** One batch as plain numbers, its tensors disposed of. */
export interface PlainBatch {
  shape: number[];
  images: number[];
  labels: number[];
  indices: number[];
}

export async function collect(source: ImageSource, options: BatchOptions): Promise<PlainBatch[]> {
  const batches: PlainBatch[] = [];
  for await (const { images, labels, indices } of source.batches(options)) {
    batches.push({
      shape: images.shape,
      images: [...images.dataSync()],
      labels: [...labels.dataSync()],
      indices: [...indices],
    });
    dispose([images, labels]);
  }
  return batches;
}

export const indicesOf = (batches: readonly PlainBatch[]) =>
  batches.flatMap(({ indices }) => indices);

/** n images of 4 × 3 × 2 whose bytes differ from image to image. */
export function smallSource(n: number, augment?: Augmentation) {
  return fromArrays({
    name: 'small',
    split: 'train',
    inputShape: [4, 3, 2],
    classNames: ['a', 'b', 'c'],
    images: Uint8Array.from({ length: n * 24 }, (_, i) => (i * 7 + 13 * Math.floor(i / 24)) % 256),
    labels: Array.from({ length: n }, (_, i) => i % 3),
    ...(augment ? { augment } : {}),
  });
}
