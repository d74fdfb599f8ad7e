import { max, min, tidy } from '@tensorflow/tfjs-core';
import type { Sample } from './sample.ts';
import { figure, share, type Warning } from './warning.ts';

/** Of the box [0, 1]: what the images of a batch together should at least span. */
const leastRange = 0.1;

/** Images that use next to nothing of the pixel box, such as those divided by 255 twice, and images of a single colour. */
export async function checkImages({ problem: { images, indices } }: Sample): Promise<Warning[]> {
  const [lowest, highest] = tidy(() => [min(images, [1, 2]), max(images, [1, 2])]);
  const [low, high] = await Promise.all([lowest!.data(), highest!.data()]);
  lowest!.dispose();
  highest!.dispose();
  const top = Math.max(...high);
  const bottom = Math.min(...low);
  if (top - bottom < leastRange) return [narrow(bottom, top)];
  const [, height, width, channels] = images.shape;
  const isBlank = (row: number) => {
    const from = row * channels;
    return Array.from({ length: channels }, (_, i) => from + i).every((at) => high[at] === low[at]);
  };
  const blank = [...indices.keys()].filter(isBlank);
  return blank.length === 0 || height * width === 1 ? [] : [singleColour(blank, indices)];
}

const narrow = (bottom: number, top: number): Warning => ({
  check: 'image-range',
  message: `All pixels looked at are between ${figure(bottom)} and ${figure(top)}, of a box from 0 to 1: ${
    top <= 1 / 255 + 1e-6 ? 'they seem to be divided by 255 twice' : 'the images seem scaled'
  }. ε is in units of the box, so it means far more here than on images that use all of it. Scale the images to [0, 1], and normalise inside the network.`,
});

const singleColour = (rows: readonly number[], indices: Int32Array): Warning => ({
  check: 'blank-images',
  message: `${share(rows.length, indices.length, 'images')} are of a single colour (the first is example ${indices[rows[0]!]}): there is nothing in them to recognise. Were they decoded and cropped as they should be?`,
});
