import { randomSource } from '@llr/core';
import { padCropFlip } from '@llr/datasets';
import { pad, reverse, slice, type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';

const [h, w, c] = [5, 6, 3];
const size = h * w * c;

/** n copies of one image whose bytes are all different, augmented as the examples 0 to n − 1. */
function augmented(n: number, padding: number, epoch: number): string[] {
  const image = Uint8Array.from({ length: size }, (_, i) => i + 100);
  const images = new Uint8Array(n * size);
  for (let row = 0; row < n; row++) images.set(image, row * size);
  const random = randomSource(1)
    .fork('augment', epoch)
    .forExamples(Int32Array.from({ length: n }, (_, i) => i));
  padCropFlip({ pad: padding }).apply(images, [n, h, w, c], random);
  return Array.from({ length: n }, (_, row) =>
    images.subarray(row * size, (row + 1) * size).join(),
  );
}

/** Every crop of the padded image, plain and mirrored, by tensor operations. */
function possible(padding: number): string[] {
  return tidy(() => {
    const image = tensor4d(
      Int32Array.from({ length: size }, (_, i) => i + 100),
      [1, h, w, c],
      'float32',
    );
    const sides: [number, number] = [padding, padding];
    const padded = pad(image, [[0, 0], sides, sides, [0, 0]]);
    const crops: string[] = [];
    for (let y = 0; y <= 2 * padding; y++) {
      for (let x = 0; x <= 2 * padding; x++) {
        const crop: Tensor4D = slice(padded, [0, y, x, 0], [1, h, w, c]);
        crops.push(crop.dataSync().join(), reverse(crop, 2).dataSync().join());
      }
    }
    return crops;
  });
}

describe('padCropFlip', () => {
  it.each([1, 2])(
    'draws every crop of the padded image and its mirror image equally often (pad %i)',
    (padding) => {
      const crops = possible(padding);
      expect(new Set(crops).size).toBe(2 * (2 * padding + 1) ** 2);
      const counts = new Map(crops.map((crop) => [crop, 0]));
      const n = 200 * crops.length;
      for (const image of augmented(n, padding, 0)) {
        expect(counts.has(image)).toBe(true);
        counts.set(image, counts.get(image)! + 1);
      }
      const chiSquared = [...counts.values()].reduce(
        (sum, found) => sum + (found - 200) ** 2 / 200,
        0,
      );
      // Above the 99.9 % quantiles of χ² with 17 and 49 degrees of freedom.
      expect(chiSquared).toBeLessThan(padding === 1 ? 40.8 : 85.4);
    },
  );

  it('only flips without padding', () => {
    const images = augmented(1000, 0, 0);
    const plain = Array.from({ length: size }, (_, i) => i + 100).join();
    const share = images.filter((image) => image === plain).length / 1000;
    expect(new Set(images).size).toBe(2);
    expect(Math.abs(share - 0.5)).toBeLessThan(0.05);
  });

  it('leaves nothing of an image moved out of the window', () => {
    const black = Array(size).fill(0).join();
    expect(augmented(500, 8, 0)).toContain(black);
  });

  it('draws anew each epoch', () => {
    expect(augmented(20, 4, 1)).not.toEqual(augmented(20, 4, 0));
    expect(augmented(20, 4, 1)).toEqual(augmented(20, 4, 1));
  });

  it.each([-1, 1.5, Number.NaN])('refuses a padding of %d', (padding) => {
    expect(() => padCropFlip({ pad: padding })).toThrow(
      `padCropFlip: pad is a whole number of pixels from 0; got ${padding}.`,
    );
  });
});
