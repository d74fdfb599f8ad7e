import {
  type backend_util,
  engine,
  type KernelFunc,
  type NamedAttrMap,
  reshape,
  slice,
  type Tensor,
  type Tensor4D,
  type TensorInfo,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { fit, insertZeros } from '../gradients/strides.ts';
import { asTensor } from './as-tensor.ts';
import { geometry, type Shape4D } from './convolution-geometry.ts';
import { heapViews, type WasmBackend } from './heap.ts';

/*
 * The convolution gradients that tfjs's wasm backend lacks (the filter's) or has as a scalar loop (the
 * input's), composed from its forward convolution, which is XNNPACK's. NHWC, no dilation.
 */

type Padding = [number, number];

function convolve(
  x: Tensor4D,
  filter: Tensor4D,
  rows: Padding,
  columns: Padding,
  dilations: Padding,
) {
  const attrs = { strides: 1, pad: [[0, 0], rows, columns, [0, 0]], dataFormat: 'NHWC', dilations };
  return engine().runKernel('Conv2D', { x, filter }, attrs as unknown as NamedAttrMap) as Tensor4D;
}

/**
 * How, along one axis, the input's gradient is a stride-1 convolution of dy: entry stride·q + p of it is the
 * sum over n of dy[q + n]·filter[p + before − stride·n]. So each of the `stride` phases p is a channel of its
 * own, and `first` … `last` are the n that meet the filter for any of them.
 */
function phases(size: number, outSize: number, kernel: number, stride: number, before: number) {
  const first = Math.ceil((before - (kernel - 1)) / stride);
  const last = Math.floor((stride - 1 + before) / stride);
  const positions = Math.ceil(size / stride);
  return {
    positions,
    taps: last - first + 1,
    /** Where the filter's entry k has its tap and its phase. */
    place: (k: number) => {
      const shifted = k + stride * last - before;
      const n = last - Math.floor(shifted / stride);
      return { tap: n - first, phase: shifted % stride };
    },
    paddings: [-first, positions + last - outSize] as Padding,
  };
}

type Phases = ReturnType<typeof phases>;

/** The filter `[h, w, in, out]` as that of `phases`, `[taps, taps, out, stride · stride · in]`. */
function phaseFilter(
  backend: WasmBackend,
  filter: TensorInfo,
  info: backend_util.Conv2DInfo,
  rows: Phases,
  columns: Phases,
): Tensor4D {
  const { filterHeight, filterWidth, inChannels, outChannels, strideHeight, strideWidth } = info;
  const channels = strideHeight * strideWidth * inChannels;
  const made = backend.makeOutput([rows.taps, columns.taps, outChannels, channels], 'float32');
  const [from, to] = heapViews(backend, filter, made) as [Float32Array, Float32Array];
  to.fill(0);
  for (let h = 0; h < filterHeight; h++) {
    for (let w = 0; w < filterWidth; w++) {
      const row = rows.place(h);
      const column = columns.place(w);
      const source = (h * filterWidth + w) * inChannels * outChannels;
      const target =
        (row.tap * columns.taps + column.tap) * outChannels * channels +
        (row.phase * strideWidth + column.phase) * inChannels;
      for (let o = 0; o < outChannels; o++) {
        for (let i = 0; i < inChannels; i++) {
          to[target + o * channels + i] = from[source + i * outChannels + o]!;
        }
      }
    }
  }
  return asTracked(made);
}

/** A tensor that the tidy in force disposes of, of what a backend has made. */
const asTracked = (info: TensorInfo): Tensor4D =>
  engine().makeTensorFromTensorInfo(info) as Tensor4D;

/** Crops what a convolution needn't see, and pads the rest. */
function convolveFitted(x: Tensor4D, filter: Tensor4D, rows: Padding, columns: Padding): Tensor4D {
  const cropped = fit(x, 1, 0, x.shape[1] + Math.min(rows[1], 0));
  const fitted = fit(cropped, 2, 0, x.shape[2] + Math.min(columns[1], 0));
  const none = (n: number) => Math.max(n, 0);
  return convolve(fitted, filter, [rows[0], none(rows[1])], [columns[0], none(columns[1])], [1, 1]);
}

/** ∂/∂x: one convolution of dy for all phases of the stride, whose outputs are then interleaved. */
const inputGradientKernel: KernelFunc = ({ inputs, attrs, backend }) =>
  tidy(() => {
    const dy = asTensor<Tensor4D>(inputs.dy);
    const filter = inputs.filter as Tensor4D;
    const info = geometry(attrs!.inputShape as Shape4D, filter.shape as Shape4D, attrs!);
    if (info.filterHeight === 1 && info.filterWidth === 1) return pointwise(dy, filter, info);
    const { batchSize, inHeight, inWidth, inChannels, strideHeight, strideWidth } = info;
    const { top, left } = info.padInfo;
    const rows = phases(inHeight, info.outHeight, info.filterHeight, strideHeight, top);
    const columns = phases(inWidth, info.outWidth, info.filterWidth, strideWidth, left);
    const arranged = phaseFilter(backend as WasmBackend, filter, info, rows, columns);
    const found = convolveFitted(dy, arranged, rows.paddings, columns.paddings);
    if (strideHeight === 1 && strideWidth === 1) return found;
    const apart: Shape4D = [
      batchSize * rows.positions,
      columns.positions,
      strideHeight,
      strideWidth * inChannels,
    ];
    const whole = reshape(transpose(reshape(found, apart), [0, 2, 1, 3]), [
      batchSize,
      rows.positions * strideHeight,
      columns.positions * strideWidth,
      inChannels,
    ]) as Tensor4D;
    return fit(fit(whole, 1, 0, inHeight), 2, 0, inWidth);
  });

/** ∂/∂x of a 1x1 convolution: its phases but one are 0. */
function pointwise(dy: Tensor4D, filter: Tensor4D, info: backend_util.Conv2DInfo): Tensor4D {
  const { inHeight, inWidth, inChannels, outChannels, strideHeight, strideWidth, padInfo } = info;
  const swapped = transpose(reshape(filter, [inChannels, outChannels]), [1, 0]);
  const met = convolve(
    dy,
    reshape(swapped, [1, 1, outChannels, inChannels]),
    [0, 0],
    [0, 0],
    [1, 1],
  );
  const wide = insertZeros(insertZeros(met, 1, strideHeight), 2, strideWidth);
  const rows = slice(wide, [0, padInfo.top, padInfo.left, 0]);
  return fit(fit(rows, 1, 0, inHeight), 2, 0, inWidth);
}

/** ∂/∂filter: the convolution of x with dy, batch and channels exchanged and the stride as dilation. */
const filterGradientKernel: KernelFunc = ({ inputs, attrs }) =>
  tidy(() => {
    const x = asTensor<Tensor4D>(inputs.x);
    const dy = asTensor<Tensor4D>(inputs.dy);
    const info = geometry(x.shape, attrs!.filterShape as Shape4D, attrs!);
    const { filterHeight, filterWidth, inChannels, outChannels, strideHeight, strideWidth } = info;
    const { top, bottom, left, right } = info.padInfo;
    const found = convolve(
      transpose<Tensor4D>(x, [3, 1, 2, 0]),
      transpose<Tensor4D>(dy, [1, 2, 0, 3]),
      [top, bottom],
      [left, right],
      [strideHeight, strideWidth],
    );
    // Where the stride doesn't divide the input, the last rows and columns met no window.
    const windows: Tensor = slice(
      found,
      [0, 0, 0, 0],
      [inChannels, filterHeight, filterWidth, outChannels],
    );
    return transpose(windows, [1, 2, 0, 3]);
  });

export const convolutionGradients = {
  Conv2DBackpropInput: inputGradientKernel,
  Conv2DBackpropFilter: filterGradientKernel,
};
