import { roundHalfEven } from './geometry.ts';
import type { Region, Resize, Resizing } from './resize.ts';

/** How OpenCV interpolates between neighbouring pixels, at a place `rest` of the way from one to the next. */
interface Interpolation {
  /** How many pixels lie before the place, that at its foot included. */
  readonly before: number;
  weights(rest: number): readonly number[];
}

const linear: Interpolation = { before: 1, weights: (rest) => [1 - rest, rest] };

/** Keys's cubic with a = −¾. */
const cubic: Interpolation = {
  before: 2,
  weights: (rest) => {
    const a = -0.75;
    const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
    const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    const others = [far(rest + 1), near(rest), near(1 - rest)] as const;
    return [...others, 1 - others[0] - others[1] - others[2]];
  },
};

/**
 * OpenCV's `resize` of bytes with `INTER_LINEAR`, in its fixed-point arithmetic: pixels have centres, nothing is
 * antialiased, and the edge goes on.
 */
export const opencvLinear: Resize = (region, resizing, into) => {
  const { rows, top, down } = acrossRows(linear, region, resizing);
  const length = resizing.window.width * 3;
  for (let y = 0; y < resizing.window.height; y++) {
    const above = (down.index[2 * y]! - top) * length;
    const below = (down.index[2 * y + 1]! - top) * length;
    const wa = down.weights[2 * y]!;
    const wb = down.weights[2 * y + 1]!;
    for (let i = 0; i < length; i++) {
      // Sixteen bits are kept of each product, rounded down, and then two more are rounded off.
      const a = (wa * (rows[above + i]! >> 4)) >> 16;
      const b = (wb * (rows[below + i]! >> 4)) >> 16;
      into[y * length + i] = ((a + b + 2) >> 2) * (1 / 255);
    }
  }
};

/** OpenCV's `resize` of bytes with `INTER_CUBIC`, likewise. */
export const opencvCubic: Resize = (region, resizing, into) => {
  const { rows, top, down } = acrossRows(cubic, region, resizing);
  const length = resizing.window.width * 3;
  for (let y = 0; y < resizing.window.height; y++) {
    const a = (down.index[4 * y]! - top) * length;
    const b = (down.index[4 * y + 1]! - top) * length;
    const c = (down.index[4 * y + 2]! - top) * length;
    const d = (down.index[4 * y + 3]! - top) * length;
    const wa = down.weights[4 * y]! / (unit * unit);
    const wb = down.weights[4 * y + 1]! / (unit * unit);
    const wc = down.weights[4 * y + 2]! / (unit * unit);
    const wd = down.weights[4 * y + 3]! / (unit * unit);
    const out = y * length;
    for (let i = 0; i < length; i++) {
      const sum = rows[a + i]! * wa + rows[b + i]! * wb + rows[c + i]! * wc + rows[d + i]! * wd;
      const byte = Math.floor(sum + 0.5);
      into[out + i] = (byte < 0 ? 0 : byte > 255 ? 255 : byte) * (1 / 255);
    }
  }
};

/** For each output pixel, in one direction, `count` input pixels and their weights. */
interface Taps {
  readonly count: number;
  readonly index: Int32Array;
  readonly weights: Int32Array;
}

/** OpenCV's weights are whole numbers of 2⁻¹¹. */
const unit = 2048;

function tapsOf(
  { before, weights }: Interpolation,
  from: number,
  to: number,
  start: number,
  length: number,
): Taps {
  const count = 2 * before;
  const taps = {
    count,
    index: new Int32Array(length * count),
    weights: new Int32Array(length * count),
  };
  const scale = 1 / (to / from);
  for (let i = 0; i < length; i++) {
    const at = Math.fround((start + i + 0.5) * scale - 0.5);
    const foot = Math.floor(at);
    const values = weights(Math.fround(at - foot));
    for (let k = 0; k < count; k++) {
      taps.index[i * count + k] = Math.min(from - 1, Math.max(0, foot + 1 - before + k));
      taps.weights[i * count + k] = roundHalfEven(Math.fround(values[k]!) * unit);
    }
  }
  return taps;
}

/** The first of the two passes, and the taps of the second. */
function acrossRows(
  interpolation: Interpolation,
  region: Region,
  { to, window, flip }: Resizing,
): { rows: Int32Array; top: number; down: Taps } {
  const across = tapsOf(interpolation, region.width, to.width, window.x, window.width);
  const down = tapsOf(interpolation, region.height, to.height, window.y, window.height);
  const top = down.index[0]!;
  const rows = resizeRows(region, top, down.index.at(-1)! + 1, across, flip);
  return { rows, top, down };
}

/** The rows `top` to `bottom` − 1 at their final width, in units of 1/2048, not rounded. */
function resizeRows(
  { data, channels, stride, offset }: Region,
  top: number,
  bottom: number,
  { count, index, weights }: Taps,
  flip: boolean,
): Int32Array {
  const width = index.length / count;
  const rows = new Int32Array((bottom - top) * width * 3);
  for (let y = top; y < bottom; y++) {
    const row = offset + y * stride;
    for (let x = 0; x < width; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let k = x * count; k < (x + 1) * count; k++) {
        const at = row + index[k]! * channels;
        const weight = weights[k]!;
        red = (red + Math.imul(data[at]!, weight)) | 0;
        green = (green + Math.imul(data[at + 1]!, weight)) | 0;
        blue = (blue + Math.imul(data[at + 2]!, weight)) | 0;
      }
      const out = ((y - top) * width + (flip ? width - 1 - x : x)) * 3;
      rows[out] = red;
      rows[out + 1] = green;
      rows[out + 2] = blue;
    }
  }
  return rows;
}
