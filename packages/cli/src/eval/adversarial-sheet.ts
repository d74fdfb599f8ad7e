import type { AdversarialImage } from '@llr/attacks';
import type { Classifier } from '@llr/core';
import { PNG } from 'pngjs';

/** No sheet is much wider, in pixels. */
const widest = 2000;
const gap = 4;

type Shown = Pick<AdversarialImage, 'image' | 'perturbation'>;

/**
 * A PNG of adversarial images in reading order, three tiles each: the image, the perturbation (grey where it is 0, and
 * scaled so that its largest change is black or white), and the image with it.
 */
export function adversarialSheet(
  examples: readonly Shown[],
  [height, width, channels]: Classifier['inputShape'],
): Uint8Array {
  const tile = 3 * width + gap;
  const square = Math.ceil(Math.sqrt((examples.length * (height + gap)) / tile));
  const columns = Math.max(1, Math.min(square, Math.floor(widest / tile)));
  const rows = Math.ceil(examples.length / columns);
  const png = new PNG({ width: columns * tile + gap, height: rows * (height + gap) + gap });
  png.data.fill(255);
  for (const [i, example] of examples.entries()) {
    const left = gap + (i % columns) * tile;
    const top = gap + Math.floor(i / columns) * (height + gap);
    for (const [place, values] of tilesOf(example).entries()) {
      for (let pixel = 0; pixel < height * width; pixel++) {
        const [y, x] = [Math.floor(pixel / width), pixel % width];
        const to = 4 * ((top + y) * png.width + left + place * width + x);
        png.data.set(colour(values, pixel, channels), to);
      }
    }
  }
  return PNG.sync.write(png);
}

function tilesOf({ image, perturbation }: Shown): Float32Array[] {
  let largest = 0;
  for (const change of perturbation) largest = Math.max(largest, Math.abs(change));
  const scale = largest > 0 ? 0.5 / largest : 0;
  return [
    image,
    perturbation.map((change) => 0.5 + scale * change),
    image.map((value, i) => value + perturbation[i]!),
  ];
}

/** Red, green and blue of a pixel; images of other than three channels are shown by their first. */
function colour(values: Float32Array, pixel: number, channels: number): [number, number, number] {
  const byte = (channel: number) => {
    const value = values[pixel * channels + (channels === 3 ? channel : 0)]!;
    return Math.round(255 * Math.min(1, Math.max(0, value)));
  };
  return [byte(0), byte(1), byte(2)];
}
