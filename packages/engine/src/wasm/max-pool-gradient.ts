import {
  backend_util,
  type KernelFunc,
  type NamedAttrMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { WasmBackend } from './heap.ts';

/*
 * tfjs's wasm kernels that look for the place of a maximum start from the smallest positive number: in a
 * window without a positive entry they find no maximum, or a wrong one. These take the first of the
 * largest entries, as the other engines do.
 */

type Shape4D = [number, number, number, number];

const poolInfo = (x: TensorInfo, attrs: NamedAttrMap) =>
  backend_util.computePool2DInfo(
    x.shape as Shape4D,
    attrs.filterSize as number,
    attrs.strides as number,
    1,
    attrs.pad as 'same',
    attrs.dimRoundingMode as 'floor',
  );

/** Where each window's maximum is in the flat x, and −1 where it has none (NaN). */
function placesOfMaxima(x: ArrayLike<number>, info: backend_util.Conv2DInfo): Int32Array {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth } = info;
  const places = new Int32Array(batchSize * outHeight * outWidth * inChannels).fill(-1);
  const largest = new Float32Array(inChannels);
  let output = 0;
  for (let b = 0; b < batchSize; b++) {
    for (let i = 0; i < outHeight; i++) {
      const [top, bottom] = within(
        i,
        info.strideHeight,
        info.padInfo.top,
        info.filterHeight,
        inHeight,
      );
      for (let j = 0; j < outWidth; j++, output += inChannels) {
        const [left, right] = within(
          j,
          info.strideWidth,
          info.padInfo.left,
          info.filterWidth,
          inWidth,
        );
        largest.fill(Number.NEGATIVE_INFINITY);
        // Channels innermost, as they lie in memory.
        for (let h = top; h < bottom; h++) {
          for (let w = left; w < right; w++) {
            const pixel = ((b * inHeight + h) * inWidth + w) * inChannels;
            for (let c = 0; c < inChannels; c++) {
              const value = x[pixel + c]!;
              if (value > largest[c]!) {
                largest[c] = value;
                places[output + c] = pixel + c;
              }
            }
          }
        }
      }
    }
  }
  return places;
}

/** The part of a window inside the image, along one axis. */
function within(output: number, stride: number, before: number, window: number, size: number) {
  const start = output * stride - before;
  return [Math.max(0, start), Math.min(size, start + window)] as const;
}

/** dy, added up at the places of the maxima. */
export const maxPoolGradientKernel: KernelFunc = ({ inputs, attrs, backend }) => {
  const wasm = backend as WasmBackend;
  const input = inputs.input as TensorInfo;
  const dx = wasm.makeOutput(input.shape, 'float32');
  // A view of the heap holds until the next output is made.
  const [x, dy, out] = [input, inputs.dy as TensorInfo, dx].map((t) => wasm.typedArrayFromHeap(t));
  const places = placesOfMaxima(x!, poolInfo(input, attrs!));
  out!.fill(0);
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    if (place >= 0) out![place]! += dy![i]!;
  }
  return dx;
};

/** The maxima and their places in the flat input, of the batch or of each image. */
export const maxPoolWithArgmaxKernel: KernelFunc = ({ inputs, attrs, backend }) => {
  const wasm = backend as WasmBackend;
  const input = inputs.x as TensorInfo;
  const info = poolInfo(input, attrs!);
  const maxima = wasm.makeOutput(info.outShape, 'float32');
  const indices = wasm.makeOutput(info.outShape, 'int32');
  const [x, values, found] = [input, maxima, indices].map((t) => wasm.typedArrayFromHeap(t));
  const imageSize = info.inHeight * info.inWidth * info.inChannels;
  const places = placesOfMaxima(x!, info);
  for (let i = 0; i < places.length; i++) {
    const place = places[i]!;
    values![i] = place >= 0 ? x![place]! : Number.NaN;
    found![i] = place < 0 || attrs!.includeBatchInIndex ? place : place % imageSize;
  }
  return [maxima, indices];
};
