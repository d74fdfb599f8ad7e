import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { heapViews, type WasmBackend } from './heap.ts';

/**
 * −1, 0 or 1, or not a number. The backend's own gives 0 for what is within 1e-7 of it, as the gradients of a network that
 * is sure of itself are: a sign step would stand still.
 */
export const signKernel: KernelFunc = ({ inputs, backend }) => {
  const x = inputs.x as TensorInfo;
  const output = (backend as WasmBackend).makeOutput(x.shape, x.dtype);
  const [from, to] = heapViews(backend, x, output) as [Float32Array, Float32Array];
  for (let i = 0; i < from.length; i++) {
    const value = from[i]!;
    to[i] = value > 0 ? 1 : value < 0 ? -1 : value;
  }
  return output;
};
