import { reshape, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

/** What a kernel is given, as a tensor that ops take. */
export const asTensor = <T extends Tensor>(info: TensorInfo | undefined): T =>
  reshape(info as Tensor, info!.shape) as T;
