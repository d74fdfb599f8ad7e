import { pad, reshape, slice, type Tensor } from '@tensorflow/tfjs-core';
import { product } from './gradient.ts';

/** Puts `stride − 1` zeros after every entry along an axis. */
export function insertZeros<T extends Tensor>(x: T, axis: number, stride: number): T {
  if (stride === 1) return x;
  const inner = product(x.shape.slice(axis + 1));
  const rows = reshape(x, [product(x.shape.slice(0, axis + 1)), inner]);
  const spread = pad(rows, [
    [0, 0],
    [0, (stride - 1) * inner],
  ]);
  return reshape(spread, x.shape.with(axis, x.shape[axis]! * stride)) as T;
}

/** The first of every `stride` entries along an axis, whose size `stride` divides: what `insertZeros` is the adjoint of. */
export function takeEvery<T extends Tensor>(x: T, axis: number, stride: number): T {
  if (stride === 1) return x;
  const inner = product(x.shape.slice(axis + 1));
  const shape = x.shape.with(axis, x.shape[axis]! / stride);
  const rows = product(shape.slice(0, axis + 1));
  return reshape(slice(reshape(x, [rows, stride * inner]), [0, 0], [rows, inner]), shape) as T;
}

/** Makes an axis `size` long from `start`: crops what is beyond, and fills with zeros what is missing. */
export function fit<T extends Tensor>(x: T, axis: number, start: number, size: number): T {
  const length = Math.min(x.shape[axis]!, size - start);
  const cropped =
    length === x.shape[axis]
      ? x
      : slice(x, Array(x.rank).fill(0) as number[], x.shape.with(axis, length));
  const after = size - start - length;
  if (start === 0 && after === 0) return cropped as T;
  const none: [number, number] = [0, 0];
  const paddings = x.shape.map((_, i): [number, number] => (i === axis ? [start, after] : none));
  return pad(cropped, paddings) as T;
}
