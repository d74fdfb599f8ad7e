import {
  engine,
  type KernelFunc,
  type NamedAttrMap,
  reverse,
  slice,
  type Tensor4D,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { fit } from '../gradients/strides.ts';
import { asTensor } from './as-tensor.ts';
import { geometry, type Shape4D, spread } from './convolution-geometry.ts';

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

/** ∂/∂x: the convolution of dy, spread out by the stride, with the filter turned by 180°. */
const inputGradientKernel: KernelFunc = ({ inputs, attrs }) =>
  tidy(() => {
    const dy = asTensor<Tensor4D>(inputs.dy);
    const filter = asTensor<Tensor4D>(inputs.filter);
    const info = geometry(attrs!.inputShape as Shape4D, filter.shape, attrs!);
    const turned = transpose<Tensor4D>(reverse(filter, [0, 1]), [0, 1, 3, 2]);
    const wide = spread(dy, info);
    const top = info.filterHeight - 1 - info.padInfo.top;
    const left = info.filterWidth - 1 - info.padInfo.left;
    // A stride-1 convolution that gives back exactly inHeight x inWidth.
    const bottom = info.inHeight + info.filterHeight - 1 - top - wide.shape[1];
    const right = info.inWidth + info.filterWidth - 1 - left - wide.shape[2];
    const cropped = fit(wide, 1, 0, wide.shape[1] + Math.min(bottom, 0));
    const fitted = fit(cropped, 2, 0, wide.shape[2] + Math.min(right, 0));
    return convolve(fitted, turned, [top, Math.max(bottom, 0)], [left, Math.max(right, 0)], [1, 1]);
  });

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
