import {
  backend_util,
  type DataType,
  type KernelBackend,
  type KernelFunc,
  type NamedAttrMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

/*
 * tfjs's wasm kernels that look for the place of a maximum start from the smallest positive number: in a
 * window without a positive entry they find no maximum, or a wrong one. These take the first of the
 * largest entries, as the other engines do.
 */

type Shape4D = [number, number, number, number];

interface WasmBackend extends KernelBackend {
  makeOutput(shape: number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): Float32Array | Int32Array;
}

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
  const places = new Int32Array(batchSize * outHeight * outWidth * inChannels);
  let output = 0;
  for (let b = 0; b < batchSize; b++) {
    for (let i = 0; i < outHeight; i++) {
      const top = i * info.strideHeight - info.padInfo.top;
      const bottom = Math.min(inHeight, top + info.filterHeight);
      for (let j = 0; j < outWidth; j++) {
        const left = j * info.strideWidth - info.padInfo.left;
        const right = Math.min(inWidth, left + info.filterWidth);
        for (let c = 0; c < inChannels; c++, output++) {
          let largest = Number.NEGATIVE_INFINITY;
          let place = -1;
          for (let h = Math.max(0, top); h < bottom; h++) {
            for (let w = Math.max(0, left); w < right; w++) {
              const at = ((b * inHeight + h) * inWidth + w) * inChannels + c;
              if (x[at]! > largest) {
                largest = x[at]!;
                place = at;
              }
            }
          }
          places[output] = place;
        }
      }
    }
  }
  return places;
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
  places.forEach((place, i) => {
    if (place >= 0) out![place]! += dy![i]!;
  });
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
  placesOfMaxima(x!, info).forEach((place, i) => {
    values![i] = place >= 0 ? x![place]! : Number.NaN;
    found![i] = place < 0 || attrs!.includeBatchInIndex ? place : place % imageSize;
  });
  return [maxima, indices];
};
