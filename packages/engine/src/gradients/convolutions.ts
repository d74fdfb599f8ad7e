import {
  backend_util,
  conv2d,
  depthwiseConv2d,
  engine,
  type NamedAttrMap,
  type NamedTensorMap,
  pad,
  slice,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { Gradients } from './gradient.ts';
import { insertZeros, takeEvery } from './strides.ts';

type Shape4D = [number, number, number, number];
type Pair = [number, number];
type Padding = 'same' | 'valid';

const run = (kernel: string, inputs: NamedTensorMap, attrs: Record<string, unknown>) =>
  engine().runKernel(kernel, inputs, attrs as NamedAttrMap) as Tensor4D;

const pair = (value: unknown): Pair =>
  Array.isArray(value) ? [value[0], value[1] ?? value[0]] : [value as number, value as number];

/**
 * A convolution written as one whose gradient every engine has: undilated, with a dilated filter's zeros
 * in place, and padded by name, with any other padding applied before it.
 */
function plain(x: Tensor4D, filter: Tensor4D, attrs: NamedAttrMap, depthwise: boolean) {
  const dilations = pair(attrs.dilations ?? 1);
  const info = backend_util.computeConv2DInfo(
    x.shape,
    filter.shape,
    attrs.strides as Pair,
    dilations,
    attrs.pad as Padding,
    attrs.dimRoundingMode as 'floor',
    depthwise,
    backend_util.convertConv2DDataFormat((attrs.dataFormat as 'NHWC') ?? 'NHWC'),
  );
  const byName = typeof attrs.pad === 'string';
  if (!byName && info.dataFormat === 'channelsFirst') {
    throw new Error(
      "A convolution in the data format NCHW can't be differentiated with explicit padding: use NHWC, or pad before it.",
    );
  }
  const { top, left } = info.padInfo;
  const missing = (out: number, stride: number, size: number, before: number, kernel: number) =>
    Math.max(0, (out - 1) * stride + kernel - size - before);
  const rows: Pair = [
    top,
    missing(info.outHeight, info.strideHeight, info.inHeight, top, info.effectiveFilterHeight),
  ];
  const columns: Pair = [
    left,
    missing(info.outWidth, info.strideWidth, info.inWidth, left, info.effectiveFilterWidth),
  ];
  const none: Pair = [0, 0];
  const paddings: [Pair, Pair, Pair, Pair] = byName
    ? [none, none, none, none]
    : [none, rows, columns, none];
  const [kernelHeight, kernelWidth, ...channels] = filter.shape;
  return {
    attrs: {
      strides: attrs.strides,
      pad: byName ? attrs.pad : 'valid',
      ...(depthwise ? { dilations: [1, 1] } : { dataFormat: attrs.dataFormat ?? 'NHWC' }),
    },
    inputShape: x.shape.map((size, i) => size + paddings[i]![0] + paddings[i]![1]) as Shape4D,
    filterShape: [info.effectiveFilterHeight, info.effectiveFilterWidth, ...channels] as Shape4D,
    padInput: () => (byName ? x : pad(x, paddings)),
    cropInput: (dx: Tensor4D) => (byName ? dx : slice(dx, [0, top, left, 0], x.shape)),
    dilateFilter: () =>
      slice(insertZeros(insertZeros(filter, 0, dilations[0]), 1, dilations[1]), [0, 0, 0, 0], [
        info.effectiveFilterHeight,
        info.effectiveFilterWidth,
        ...channels,
      ] as Shape4D),
    undilateFilter: (dFilter: Tensor4D) => {
      if (dilations[0] === 1 && dilations[1] === 1) return dFilter;
      const whole = pad(dFilter, [
        [0, kernelHeight * dilations[0] - info.effectiveFilterHeight],
        [0, kernelWidth * dilations[1] - info.effectiveFilterWidth],
        none,
        none,
      ]);
      return takeEvery(takeEvery(whole, 0, dilations[0]), 1, dilations[1]);
    },
    dilated: dilations[0] !== 1 || dilations[1] !== 1,
  };
}

/** The gradients of a convolution, through its two backward kernels. */
function convolution(inputKernel: string, filterKernel: string, depthwise: boolean) {
  return {
    save: ['x', 'filter'],
    gradient: (dy: Tensor, saved: Tensor[], attrs: NamedAttrMap) => {
      const [x, filter] = saved as [Tensor4D, Tensor4D];
      const p = plain(x, filter, attrs, depthwise);
      return {
        x: () =>
          p.cropInput(
            run(
              inputKernel,
              { dy, filter: p.dilated ? p.dilateFilter() : filter },
              { ...p.attrs, inputShape: p.inputShape },
            ),
          ),
        filter: () =>
          p.undilateFilter(
            run(filterKernel, { x: p.padInput(), dy }, { ...p.attrs, filterShape: p.filterShape }),
          ),
      };
    },
  };
}

const depthwiseAgain = (x: Tensor, filter: Tensor, attrs: NamedAttrMap) =>
  depthwiseConv2d(
    x as Tensor4D,
    filter as Tensor4D,
    attrs.strides as Pair,
    attrs.pad as Padding,
    'NHWC',
    attrs.dilations as Pair,
    attrs.dimRoundingMode as 'floor',
  );

/** A convolution is linear in its input and in its filter, and so are its gradients: each has convolutions for gradients. */
export const convolutions: Gradients = {
  Conv2D: convolution('Conv2DBackpropInput', 'Conv2DBackpropFilter', false),
  Conv2DBackpropFilter: {
    save: ['x', 'dy'],
    gradient: (dFilter, [x, dy], { strides, pad, dataFormat, dimRoundingMode }) => ({
      x: () =>
        run(
          'Conv2DBackpropInput',
          { dy: dy!, filter: dFilter },
          { strides, pad, dataFormat, dimRoundingMode, inputShape: x!.shape },
        ),
      dy: () =>
        conv2d(
          x as Tensor4D,
          dFilter as Tensor4D,
          strides as Pair,
          pad as Padding,
          dataFormat as 'NHWC',
          1,
          dimRoundingMode as 'floor',
        ),
    }),
  },
  DepthwiseConv2dNative: convolution(
    'DepthwiseConv2dNativeBackpropInput',
    'DepthwiseConv2dNativeBackpropFilter',
    true,
  ),
  DepthwiseConv2dNativeBackpropInput: {
    save: ['dy', 'filter'],
    gradient: (ddx, [dy, filter], { inputShape: _, ...attrs }) => ({
      dy: () => depthwiseAgain(ddx, filter!, attrs),
      filter: () =>
        run(
          'DepthwiseConv2dNativeBackpropFilter',
          { x: ddx, dy: dy! },
          { ...attrs, filterShape: filter!.shape },
        ),
    }),
  },
  DepthwiseConv2dNativeBackpropFilter: {
    save: ['x', 'dy'],
    gradient: (dFilter, [x, dy], { filterShape: _, ...attrs }) => ({
      x: () =>
        run(
          'DepthwiseConv2dNativeBackpropInput',
          { dy: dy!, filter: dFilter },
          { ...attrs, inputShape: x!.shape },
        ),
      dy: () => depthwiseAgain(x!, dFilter, attrs),
    }),
  },
};
