import { cast, oneHot, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';

/** 1 at each example's label and 0 elsewhere, shaped like the logits `[b, classes]`. */
export const labelMask = (labels: Tensor1D, logits: Tensor2D): Tensor2D =>
  cast(oneHot(labels, logits.shape[1]), 'float32') as Tensor2D;
