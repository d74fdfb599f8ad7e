import {
  backend_util,
  engine,
  type KernelFunc,
  type NamedAttrMap,
  pad,
  reshape,
  reverse,
  slice,
  type Tensor4D,
  type TensorInfo,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';

/*
 * The convolution gradients that tfjs's wasm backend lacks (the filter's) or has as a scalar loop (the
 * input's), composed from its forward convolution, which is XNNPACK's. NHWC, no dilation.
 */

type Shape4D = [number, number, number, number];
type Padding = [number, number];

function geometry(inputShape: Shape4D, filterShape: Shape4D, attrs: NamedAttrMap) {
  return backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    attrs.strides as number,
    1,
    attrs.pad as 'same',
    attrs.dimRoundingMode as 'floor',
  );
}

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

const asTensor = (info: TensorInfo): Tensor4D => reshape(info as Tensor4D, info.shape as Shape4D);

/** Puts stride − 1 rows and columns of zeros after every row and column of x. */
function insertZeros(x: Tensor4D, strideHeight: number, strideWidth: number): Tensor4D {
  const [b, h, w, c] = x.shape;
  const wide = pad(reshape(x, [b * h * w, c]), [
    [0, 0],
    [0, (strideWidth - 1) * c],
  ]);
  const row = w * strideWidth * c;
  const tall = pad(reshape(wide, [b * h, row]), [
    [0, 0],
    [0, (strideHeight - 1) * row],
  ]);
  return reshape(tall, [b, h * strideHeight, w * strideWidth, c]);
}

/** Pads x, or crops it where the padding is negative, at the bottom and the right. */
function padOrCrop(x: Tensor4D, rows: number, columns: number): Tensor4D {
  const [b, h, w, c] = x.shape;
  const padded = pad(x, [
    [0, 0],
    [0, Math.max(rows, 0)],
    [0, Math.max(columns, 0)],
    [0, 0],
  ]);
  return rows < 0 || columns < 0
    ? slice(padded, [0, 0, 0, 0], [b, h + rows, w + columns, c])
    : padded;
}

/** ∂/∂x: the convolution of dy, spread out by the stride, with the filter turned by 180°. */
const inputGradientKernel: KernelFunc = ({ inputs, attrs }) =>
  tidy(() => {
    const dy = asTensor(inputs.dy as TensorInfo);
    const filter = asTensor(inputs.filter as TensorInfo);
    const info = geometry(attrs!.inputShape as Shape4D, filter.shape, attrs!);
    const turned = transpose<Tensor4D>(reverse(filter, [0, 1]), [0, 1, 3, 2]);
    const spread = insertZeros(dy, info.strideHeight, info.strideWidth);
    const top = info.filterHeight - 1 - info.padInfo.top;
    const left = info.filterWidth - 1 - info.padInfo.left;
    // A stride-1 convolution that gives back exactly inHeight x inWidth.
    const bottom = info.inHeight + info.filterHeight - 1 - top - spread.shape[1];
    const right = info.inWidth + info.filterWidth - 1 - left - spread.shape[2];
    const fitted = padOrCrop(spread, Math.min(bottom, 0), Math.min(right, 0));
    return convolve(fitted, turned, [top, Math.max(bottom, 0)], [left, Math.max(right, 0)], [1, 1]);
  });

/** ∂/∂filter: the convolution of x with dy, batch and channels exchanged and the stride as dilation. */
const filterGradientKernel: KernelFunc = ({ inputs, attrs }) =>
  tidy(() => {
    const x = asTensor(inputs.x as TensorInfo);
    const dy = asTensor(inputs.dy as TensorInfo);
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
    const windows = slice(
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
