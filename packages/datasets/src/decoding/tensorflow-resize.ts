import type { Resize } from './resize.ts';

/** For each output pixel, in one direction, the input pixels on both sides and how far it is to the second. */
interface Neighbours {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly rest: Float32Array;
}

/**
 * TensorFlow 1's `tf.image.resize_bilinear(images, size, align_corners=False)`, in float32 and rounded to no byte.
 * Pixel i of the output is taken at i · scale, as if pixels were points (no half-pixel centres, which came with
 * TensorFlow 2), and nothing is antialiased.
 */
export const tensorflowBilinear: Resize = (region, { to, window, flip }, into) => {
  const { data, channels, stride, offset } = region;
  const across = neighbours(region.width, to.width, window.x, window.width);
  const down = neighbours(region.height, to.height, window.y, window.height);
  for (let y = 0; y < window.height; y++) {
    const above = offset + down.lower[y]! * stride;
    const below = offset + down.upper[y]! * stride;
    const restDown = down.rest[y]!;
    for (let x = 0; x < window.width; x++) {
      const left = across.lower[x]! * channels;
      const right = across.upper[x]! * channels;
      const restAcross = across.rest[x]!;
      const out = (y * window.width + (flip ? window.width - 1 - x : x)) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const topLeft = data[above + left + channel]!;
        const bottomLeft = data[below + left + channel]!;
        const top = topLeft + (data[above + right + channel]! - topLeft) * restAcross;
        const bottom = bottomLeft + (data[below + right + channel]! - bottomLeft) * restAcross;
        into[out + channel] = (top + (bottom - top) * restDown) * (1 / 255);
      }
    }
  }
};

function neighbours(from: number, to: number, start: number, length: number): Neighbours {
  const scale = Math.fround(from / to);
  const found = {
    lower: new Int32Array(length),
    upper: new Int32Array(length),
    rest: new Float32Array(length),
  };
  for (let i = 0; i < length; i++) {
    const at = Math.fround((start + i) * scale);
    const lower = Math.min(Math.floor(at), from - 1);
    found.lower[i] = lower;
    found.upper[i] = Math.min(lower + 1, from - 1);
    found.rest[i] = at - lower;
  }
  return found;
}
