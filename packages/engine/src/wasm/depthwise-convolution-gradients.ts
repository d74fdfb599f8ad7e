import {
  depthwiseConv2d,
  type KernelFunc,
  mul,
  reshape,
  reverse,
  slice,
  stack,
  sum,
  type Tensor,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { fit } from '../gradients/strides.ts';
import { asTensor } from './as-tensor.ts';
import { geometry, type Shape4D, spread } from './convolution-geometry.ts';

/*
 * The gradients of depthwise convolutions, which tfjs's wasm backend lacks, composed from its forward
 * kernel and elementwise ops. NHWC, no dilation. m is the number of outputs per input channel.
 */

/** ∂/∂x: dy, spread out by the stride, convolved with the filter turned by 180°, and summed over m. */
const inputGradientKernel: KernelFunc = ({ inputs, attrs }) =>
  tidy(() => {
    const filter = asTensor<Tensor4D>(inputs.filter);
    const info = geometry(attrs!.inputShape as Shape4D, filter.shape, attrs!, true);
    const { filterHeight, filterWidth, inHeight, inWidth, inChannels, outChannels } = info;
    const turned = reshape(reverse(filter, [0, 1]), [filterHeight, filterWidth, outChannels, 1]);
    const wide = spread(asTensor<Tensor4D>(inputs.dy), info);
    // A valid convolution that gives back exactly inHeight x inWidth.
    const tall = fit(wide, 1, filterHeight - 1 - info.padInfo.top, inHeight + filterHeight - 1);
    const fitted = fit(tall, 2, filterWidth - 1 - info.padInfo.left, inWidth + filterWidth - 1);
    const found = depthwiseConv2d(fitted, turned as Tensor4D, 1, 'valid');
    if (inChannels === outChannels) return found;
    return sum(
      reshape(found, [info.batchSize, inHeight, inWidth, inChannels, outChannels / inChannels]),
      4,
    );
  });

/** ∂/∂filter: for each place in the filter, the products of dy with the input it meets there. */
const filterGradientKernel: KernelFunc = ({ inputs, attrs }) =>
  tidy(() => {
    const x = asTensor<Tensor4D>(inputs.x);
    const info = geometry(x.shape, attrs!.filterShape as Shape4D, attrs!, true);
    const { batchSize, filterHeight, filterWidth, inChannels, outChannels } = info;
    const m = outChannels / inChannels;
    const dy = spread(asTensor<Tensor4D>(inputs.dy), info);
    const [, height, width] = dy.shape;
    const rows = fit(
      x,
      1,
      info.padInfo.top,
      Math.max(height + filterHeight - 1, info.inHeight + info.padInfo.top),
    );
    const padded = fit(
      rows,
      2,
      info.padInfo.left,
      Math.max(width + filterWidth - 1, info.inWidth + info.padInfo.left),
    );
    const places: Tensor[] = [];
    for (let i = 0; i < filterHeight; i++) {
      for (let j = 0; j < filterWidth; j++) {
        const met = slice(padded, [0, i, j, 0], [batchSize, height, width, inChannels]);
        places.push(
          tidy(() => {
            if (m === 1) return reshape(sum(mul(met, dy), [0, 1, 2]), [inChannels, 1]);
            const pixels = batchSize * height * width;
            const products = mul(
              reshape(met, [pixels, inChannels, 1]),
              reshape(dy, [pixels, inChannels, m]),
            );
            return sum(products, 0);
          }),
        );
      }
    }
    return reshape(stack(places), [filterHeight, filterWidth, inChannels, m]);
  });

export const depthwiseConvolutionGradients = {
  DepthwiseConv2dNativeBackpropInput: inputGradientKernel,
  DepthwiseConv2dNativeBackpropFilter: filterGradientKernel,
};
