import {
  add,
  cast,
  range,
  reshape,
  reverse,
  slice,
  slice_util,
  sum,
  type Tensor,
  type Tensor1D,
  transpose,
  unsortedSegmentSum,
  util,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { constant } from './constant.ts';
import { type Gradients, product } from './gradient.ts';
import { fit, insertZeros } from './strides.ts';

/** A range of an axis, everything of the others. */
function along(x: Tensor, axis: number, start: number, size: number): Tensor {
  const begin = x.shape.map((_, i) => (i === axis ? start : 0));
  return slice(x, begin, x.shape.with(axis, size));
}

/** Folds the mirrored margins of one axis back on to the entries they are copies of. */
function unmirror(
  dy: Tensor,
  axis: number,
  [before, after]: [number, number],
  edge: 0 | 1,
): Tensor {
  const size = dy.shape[axis]! - before - after;
  let folded = along(dy, axis, before, size);
  if (before > 0) {
    folded = add(folded, fit(reverse(along(dy, axis, 0, before), axis), axis, edge, size));
  }
  if (after > 0) {
    const margin = reverse(along(dy, axis, before + size, after), axis);
    folded = add(folded, fit(margin, axis, size - after - edge, size));
  }
  return folded;
}

/** Sums the copies along an axis. */
function untile(dy: Tensor, axis: number, copies: number): Tensor {
  if (copies === 1) return dy;
  const size = dy.shape[axis]! / copies;
  const inner = size * product(dy.shape.slice(axis + 1));
  const split = reshape(dy, [product(dy.shape.slice(0, axis)), copies, inner]);
  return reshape(sum(split, 1), dy.shape.with(axis, size));
}

/** Adds up dy where gather(x, indices, axis, batchDims) took its entries from; entries taken twice get both. */
function ungather(
  dy: Tensor,
  indices: Tensor,
  shape: readonly number[],
  axis: number,
  batchDims: number,
): Tensor {
  const batch = product(shape.slice(0, batchDims));
  const outer = product(shape.slice(batchDims, axis));
  const size = shape[axis]!;
  const inner = product(shape.slice(axis + 1));
  const taken = product(indices.shape.slice(batchDims));
  const swap = (x: Tensor, a: number, b: number) =>
    transpose(reshape(x, [batch, a, b, inner]), [0, 2, 1, 3]);
  const rows = reshape(swap(dy, outer, taken), [batch * taken, outer * inner]);
  const places = constant(() => {
    const first = reshape(range(0, batch * size, size, 'int32'), [batch, 1]);
    return reshape(add(reshape(indices, [batch, taken]), first), [batch * taken]);
  });
  const sums = unsortedSegmentSum(rows, places as Tensor1D, batch * size);
  return reshape(swap(sums, size, outer), shape as number[]);
}

const noGradient = (indices: Tensor) => cast(zerosLike(indices), 'float32');

export const rearrangements: Gradients = {
  // tfjs's own drops what the margins contribute.
  MirrorPad: {
    save: [],
    gradient: (dy, _saved, { paddings, mode }) => ({
      x: () =>
        (paddings as [number, number][]).reduce(
          (folded, margins, axis) => unmirror(folded, axis, margins, mode === 'reflect' ? 1 : 0),
          dy,
        ),
    }),
  },
  StridedSlice: {
    save: ['x'],
    gradient: (dy, [x], attrs) => ({
      x: () => {
        const { begin, end, strides } = attrs as Record<string, number[]>;
        const { beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attrs as Record<
          string,
          number
        >;
        const info = slice_util.sliceInfo(
          x!.shape,
          begin!,
          end!,
          strides!,
          beginMask!,
          endMask!,
          ellipsisMask!,
          newAxisMask!,
          shrinkAxisMask!,
        );
        if (shrinkAxisMask) {
          throw new Error(
            "stridedSlice with shrinkAxisMask can't be differentiated: tfjs reads the wrong entries with it. " +
              'Leave the mask out, and squeeze the axis afterwards.',
          );
        }
        if (dy.size === 0) return zerosLike(x!);
        const shape = slice_util.computeOutShape(info.begin, info.end, info.strides);
        return info.strides.reduce(
          (spread, stride, axis) => {
            const last = info.begin[axis]! + (shape[axis]! - 1) * stride;
            const forward = stride > 0 ? spread : reverse(spread, axis);
            const start = stride > 0 ? info.begin[axis]! : last;
            const gaps = insertZeros(forward, axis, Math.abs(stride));
            return fit(gaps, axis, start, x!.shape[axis]!);
          },
          reshape(dy, shape),
        );
      },
    }),
  },
  // tfjs's own knows four axes at most.
  Tile: {
    save: [],
    gradient: (dy, _saved, { reps }) => ({
      x: () => (reps as number[]).reduce((x, copies, axis) => untile(x, axis, copies), dy),
    }),
  },
  // tfjs's own calls chained methods that tfjs-core alone doesn't have.
  GatherV2: {
    save: ['x', 'indices'],
    gradient: (dy, [x, indices], { axis, batchDims }) => ({
      x: () => {
        const at = util.parseAxisParam(axis as number, x!.shape)[0]!;
        return ungather(dy, indices!, x!.shape, at, (batchDims as number | undefined) ?? 0);
      },
      indices: () => noGradient(indices!),
    }),
  },
  TopK: {
    save: ['x'],
    saveOutputs: [false, true],
    gradient: (dys, [x, indices]) => ({
      x: () => {
        const last = x!.rank - 1;
        const [dValues] = dys as unknown as [Tensor, Tensor];
        return ungather(dValues, indices!, x!.shape, last, last);
      },
    }),
  },
};
