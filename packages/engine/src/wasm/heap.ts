import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';

/** The parts of tfjs's wasm backend that let a kernel read and write tensors in place. */
export interface WasmBackend extends KernelBackend {
  makeOutput(shape: number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(info: TensorInfo): Float32Array | Int32Array;
}

/** Views of tensors in the heap. They hold until the next output is made, which may move the heap. */
export const heapViews = (backend: unknown, ...infos: (TensorInfo | undefined)[]): Float32Array[] =>
  infos.map((info) => (backend as WasmBackend).typedArrayFromHeap(info!) as Float32Array);
