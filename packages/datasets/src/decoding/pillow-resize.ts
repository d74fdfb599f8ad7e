import type { Region, Resize, Resizing } from './resize.ts';

/** A kernel of Pillow's `Image.resize`: its radius at scale 1, and its value at a distance in pixels. */
interface Kernel {
  readonly radius: number;
  at(distance: number): number;
}

const bilinear: Kernel = {
  radius: 1,
  at: (distance) => Math.max(0, 1 - Math.abs(distance)),
};

/** Keys's cubic with a = −½. */
const bicubic: Kernel = {
  radius: 2,
  at: (distance) => {
    const x = Math.abs(distance);
    const a = -0.5;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
  },
};

/** Pillow's `Image.resize(size, BILINEAR)`, bit by bit. When it shrinks, the kernel is as much wider (antialiasing). */
export const pillowBilinear: Resize = (region, resizing, into) =>
  resize(bilinear, region, resizing, into);

/** Pillow's `Image.resize(size, BICUBIC)`, bit by bit. */
export const pillowBicubic: Resize = (region, resizing, into) =>
  resize(bicubic, region, resizing, into);

/**
 * Which input pixels make an output pixel, in one direction: `count` from `first` on. `weights` has `most` places for
 * each, a multiple of four, with zeros after the last.
 */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
  readonly most: number;
}

/** Weights are whole numbers of 2⁻²²: eight bits fewer than an int32, and two for the overshoot of a cubic. */
const precision = 22;
const half = 1 << (precision - 1);

/** The taps of the output pixels `start` to `start + length` − 1. */
function tapsOf(kernel: Kernel, from: number, to: number, start: number, length: number): Taps {
  const scale = from / to;
  const widening = Math.max(1, scale);
  const radius = kernel.radius * widening;
  const most = Math.ceil((radius * 2 + 1) / 4) * 4;
  const taps = {
    first: new Int32Array(length),
    count: new Int32Array(length),
    weights: new Int32Array(length * most),
    most,
  };
  const values = new Float64Array(most);
  for (let i = 0; i < length; i++) {
    const centre = (start + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - radius + 0.5));
    const count = Math.min(from, Math.trunc(centre + radius + 0.5)) - first;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      values[k] = kernel.at((first + k - centre + 0.5) * (1 / widening));
      sum += values[k]!;
    }
    for (let k = 0; k < count; k++) {
      const weight = (values[k]! / sum) * (1 << precision);
      taps.weights[i * most + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    taps.first[i] = first;
    taps.count[i] = count;
  }
  return taps;
}

function resize(
  kernel: Kernel,
  region: Region,
  { to, window, flip }: Resizing,
  into: Float32Array,
): void {
  const across = tapsOf(kernel, region.width, to.width, window.x, window.width);
  const down = tapsOf(kernel, region.height, to.height, window.y, window.height);
  const last = window.height - 1;
  const top = down.first[0]!;
  const bottom = down.first[last]! + down.count[last]!;
  const rows = resizeRows(region, top, bottom, across, flip);
  resizeColumns(rows, top, window.width * 3, down, into);
}

/** What lies between the two passes: kept, since an image is resized at a time. */
let between = new Uint8ClampedArray(0);

/** The rows `top` to `bottom` − 1 at their final width, rounded to bytes as Pillow does between the two passes. */
function resizeRows(
  region: Region,
  top: number,
  bottom: number,
  across: Taps,
  flip: boolean,
): Uint8ClampedArray {
  const length = across.first.length * 3;
  // Four rows are added up at once, of which the last three may lie beyond the end.
  const size = (bottom - top + 3) * length;
  if (between.length < size) between = new Uint8ClampedArray(size);
  const rows = between;
  let y = top;
  for (; y + 1 < bottom; y += 2)
    resizeTwoRows(region, y, y + 1, across, flip, rows, (y - top) * length);
  // An odd last row is its own neighbour.
  if (y < bottom) resizeTwoRows(region, y, y, across, flip, rows, (y - top) * length);
  return rows;
}

/** Two rows at once, which share their weights: half the work of looking them up. */
function resizeTwoRows(
  { data, channels, stride, offset }: Region,
  above: number,
  below: number,
  { first, count, weights, most }: Taps,
  flip: boolean,
  rows: Uint8ClampedArray,
  into: number,
): void {
  const width = first.length;
  const step = flip ? -3 : 3;
  const start = offset + above * stride;
  const apart = (below - above) * stride;
  const next = (below - above) * width * 3;
  let out = into + (flip ? (width - 1) * 3 : 0);
  for (let x = 0; x < width; x++) {
    let red = half;
    let green = half;
    let blue = half;
    let redBelow = half;
    let greenBelow = half;
    let blueBelow = half;
    let at = start + first[x]! * channels;
    const end = x * most + count[x]!;
    for (let k = x * most; k < end; k++) {
      const weight = weights[k]!;
      red = (red + Math.imul(data[at]!, weight)) | 0;
      green = (green + Math.imul(data[at + 1]!, weight)) | 0;
      blue = (blue + Math.imul(data[at + 2]!, weight)) | 0;
      const under = at + apart;
      redBelow = (redBelow + Math.imul(data[under]!, weight)) | 0;
      greenBelow = (greenBelow + Math.imul(data[under + 1]!, weight)) | 0;
      blueBelow = (blueBelow + Math.imul(data[under + 2]!, weight)) | 0;
      at += channels;
    }
    rows[out] = red >> precision;
    rows[out + 1] = green >> precision;
    rows[out + 2] = blue >> precision;
    rows[out + next] = redBelow >> precision;
    rows[out + next + 1] = greenBelow >> precision;
    rows[out + next + 2] = blueBelow >> precision;
    out += step;
  }
}

function resizeColumns(
  rows: Uint8ClampedArray,
  top: number,
  length: number,
  { first, count, weights, most }: Taps,
  into: Float32Array,
): void {
  const sums = new Int32Array(length);
  for (let y = 0; y < first.length; y++) {
    sums.fill(half);
    const weight = y * most;
    const start = (first[y]! - top) * length;
    const last = Math.floor((count[y]! - 1) / 4) * 4;
    for (let k = 0; k < last; k += 4) {
      addFour(rows, start + k * length, length, weights, weight + k, sums);
    }
    const a = start + last * length;
    const b = a + length;
    const c = b + length;
    const d = c + length;
    const wa = weights[weight + last]!;
    const wb = weights[weight + last + 1]!;
    const wc = weights[weight + last + 2]!;
    const wd = weights[weight + last + 3]!;
    const out = y * length;
    for (let i = 0; i < length; i++) {
      const ab = (Math.imul(rows[a + i]!, wa) + Math.imul(rows[b + i]!, wb)) | 0;
      const cd = (Math.imul(rows[c + i]!, wc) + Math.imul(rows[d + i]!, wd)) | 0;
      const byte = (sums[i]! + ((ab + cd) | 0)) >> precision;
      // The double product rounds to the same float32 as byte / 255, for every byte.
      into[out + i] = (byte < 0 ? 0 : byte > 255 ? 255 : byte) * (1 / 255);
    }
  }
}

/** Adds four weighted rows, the first of which begins at `a`, to `sums`. */
function addFour(
  rows: Uint8ClampedArray,
  a: number,
  length: number,
  weights: Int32Array,
  weight: number,
  sums: Int32Array,
): void {
  const b = a + length;
  const c = b + length;
  const d = c + length;
  const wa = weights[weight]!;
  const wb = weights[weight + 1]!;
  const wc = weights[weight + 2]!;
  const wd = weights[weight + 3]!;
  for (let i = 0; i < length; i++) {
    const ab = (Math.imul(rows[a + i]!, wa) + Math.imul(rows[b + i]!, wb)) | 0;
    const cd = (Math.imul(rows[c + i]!, wc) + Math.imul(rows[d + i]!, wd)) | 0;
    sums[i] = (sums[i]! + ((ab + cd) | 0)) | 0;
  }
}
