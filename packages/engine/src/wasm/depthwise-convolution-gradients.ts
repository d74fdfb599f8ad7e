import {
  depthwiseConv2d,
  type KernelFunc,
  reshape,
  reverse,
  sum,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { fit } from '../gradients/strides.ts';
import { asTensor } from './as-tensor.ts';
import { geometry, type Shape4D, spread } from './convolution-geometry.ts';
import { heapViews, type WasmBackend } from './heap.ts';

/*
 * The gradients of depthwise convolutions, which tfjs's wasm backend lacks: the input's is composed
 * from its forward kernel. NHWC, no dilation. m is the number of outputs per input channel.
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

/** ∂/∂filter: for each place in the filter, the sum of the products of dy with the input it meets there. */
const filterGradientKernel: KernelFunc = ({ inputs, attrs, backend }) => {
  const filterShape = attrs!.filterShape as Shape4D;
  const info = geometry(inputs.x!.shape as Shape4D, filterShape, attrs!, true);
  const made = (backend as WasmBackend).makeOutput(filterShape, 'float32');
  const [x, dy, out] = heapViews(backend, inputs.x, inputs.dy, made);
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = info;
  const m = outChannels / inChannels;
  // In float64: tens of thousands of products are added up.
  const sums = new Float64Array(outChannels);
  for (let i = 0; i < info.filterHeight; i++) {
    const [top, bottom] = meets(i, info.strideHeight, info.padInfo.top, inHeight, outHeight);
    for (let j = 0; j < info.filterWidth; j++) {
      const [left, right] = meets(j, info.strideWidth, info.padInfo.left, inWidth, outWidth);
      sums.fill(0);
      for (let b = 0; b < batchSize; b++) {
        for (let h = top; h < bottom; h++) {
          const row = h * info.strideHeight + i - info.padInfo.top;
          for (let w = left; w < right; w++) {
            const column = w * info.strideWidth + j - info.padInfo.left;
            const at = ((b * inHeight + row) * inWidth + column) * inChannels;
            const dyAt = ((b * outHeight + h) * outWidth + w) * outChannels;
            if (m === 1) {
              for (let c = 0; c < inChannels; c++) sums[c]! += x![at + c]! * dy![dyAt + c]!;
            } else {
              for (let o = 0; o < outChannels; o++) {
                sums[o]! += x![at + Math.trunc(o / m)]! * dy![dyAt + o]!;
              }
            }
          }
        }
      }
      out!.set(sums, (i * info.filterWidth + j) * outChannels);
    }
  }
  return made;
};

/** Which outputs, along one axis, meet the input inside it at the filter's k-th place. */
function meets(k: number, stride: number, before: number, size: number, outSize: number) {
  const first = Math.max(0, Math.ceil((before - k) / stride));
  return [first, Math.min(outSize, Math.floor((size - 1 + before - k) / stride) + 1)] as const;
}

export const depthwiseConvolutionGradients = {
  DepthwiseConv2dNativeBackpropInput: inputGradientKernel,
  DepthwiseConv2dNativeBackpropFilter: filterGradientKernel,
};
