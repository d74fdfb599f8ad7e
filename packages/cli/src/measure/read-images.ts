import type { ImageSource } from '@llr/core';
import { subset } from '@llr/datasets';

/** One image of a source. */
export interface ReadImage {
  index: number;
  label: number;
  /** h·w·c numbers in [0, 1]. */
  image: Float32Array;
}

/**
 * Reads the image of a number.
 *
 * @throws when there are fewer
 */
export async function readImage(source: ImageSource, index: number): Promise<ReadImage> {
  for await (const { images, labels } of imageAt(source, index).batches({ batchSize: 1 })) {
    const image = (await images.data()) as Float32Array;
    const label = (await labels.data())[0]!;
    images.dispose();
    labels.dispose();
    return { index, label, image };
  }
  throw new Error(`${source.name} (${source.split}) has no image ${index}.`);
}

/** The image of a number as a source of its own, which keeps that number. */
export function imageAt(source: ImageSource, index: number): ImageSource {
  if (index >= source.size) {
    throw new Error(
      `${source.name} (${source.split}) has no image ${index}: they are numbered 0 to ${source.size - 1}.`,
    );
  }
  return subset(source, { from: index, size: 1 });
}
