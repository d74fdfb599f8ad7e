import { backend_util, type NamedAttrMap, type Tensor4D } from '@tensorflow/tfjs-core';
import { insertZeros } from '../gradients/strides.ts';

export type Shape4D = [number, number, number, number];

/** Sizes, strides and padding of a convolution, from what its gradient kernels are given. */
export function geometry(
  inputShape: Shape4D,
  filterShape: Shape4D,
  attrs: NamedAttrMap,
  depthwise = false,
): backend_util.Conv2DInfo {
  return backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    attrs.strides as number,
    1,
    attrs.pad as 'same',
    attrs.dimRoundingMode as 'floor',
    depthwise,
  );
}

/** dy, spread out by the stride; itself where that is 1. */
export const spread = (dy: Tensor4D, info: backend_util.Conv2DInfo): Tensor4D =>
  insertZeros(insertZeros(dy, 1, info.strideHeight), 2, info.strideWidth);
