import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { BatchNorm, NormPass } from './batch-norm.ts';
import type { Convolution } from './convolution.ts';

/** A convolution and the batch norm right after it, which at fixed statistics may go into the filter. */
export const normalizedConvolution =
  (convolve: Convolution, norm: BatchNorm) =>
  (x: Tensor4D, pass: NormPass): Tensor4D =>
    pass.folded && pass.use !== 'batch'
      ? convolve(x, norm.at(pass.use))
      : norm.apply(convolve(x), pass);
