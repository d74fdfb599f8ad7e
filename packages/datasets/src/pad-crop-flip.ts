import type { Augmentation } from './augmentation.ts';

/**
 * The usual augmentation of CIFAR-10: `pad` zeros on every side, a random crop of the original size, and
 * a horizontal flip with probability ½ (as in TRADES, Zhang et al. 2019).
 *
 * @param options.pad - pixels, default 4
 * @throws RangeError when the padding is not a whole number from 0
 */
export function padCropFlip({ pad = 4 }: { pad?: number } = {}): Augmentation {
  if (!Number.isInteger(pad) || pad < 0) {
    throw new RangeError(`padCropFlip: pad is a whole number of pixels from 0; got ${pad}.`);
  }
  return {
    name: 'pad-crop-flip',
    apply: (images, [b, h, w, c], random) => {
      const offsets = random.fork('crop').integers([b, 2], 2 * pad + 1);
      const flips = random.fork('flip').integers([b], 2);
      const size = h * w * c;
      for (let row = 0; row < b; row++) {
        const image = images.subarray(row * size, (row + 1) * size);
        crop(image, [h, w, c], offsets[2 * row]! - pad, offsets[2 * row + 1]! - pad);
        if (flips[row] === 1) flip(image, w, c);
      }
    },
  };
}

type Shape = readonly [h: number, w: number, c: number];

/** Moves the window down and right over the image; outside of it there is 0. */
function crop(image: Uint8Array, [h, w, c]: Shape, down: number, right: number): void {
  if (Math.abs(down) >= h || Math.abs(right) >= w) {
    image.fill(0);
    return;
  }
  // One move for all rows; what comes over a row's edge from its neighbour is then overwritten.
  const shift = (down * w + right) * c;
  image.copyWithin(Math.max(0, -shift), Math.max(0, shift));
  if (down < 0) image.fill(0, 0, -down * w * c);
  if (down > 0) image.fill(0, (h - down) * w * c);
  const first = right > 0 ? w - right : 0;
  const outside = Math.abs(right) * c;
  for (let y = 0; y < h; y++) {
    const start = (y * w + first) * c;
    for (let i = start; i < start + outside; i++) image[i] = 0;
  }
}

/** Reverses the order of the pixels of each row. */
function flip(image: Uint8Array, w: number, c: number): void {
  for (let start = 0; start < image.length; start += w * c) {
    let left = start;
    let right = start + (w - 1) * c;
    for (; left < right; left += c, right -= c) {
      for (let channel = 0; channel < c; channel++) {
        const byte = image[left + channel]!;
        image[left + channel] = image[right + channel]!;
        image[right + channel] = byte;
      }
    }
  }
}
