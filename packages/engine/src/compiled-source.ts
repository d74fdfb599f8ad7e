import type { DataType, Tensor } from '@tensorflow/tfjs-core';

/**
 * Something other than a tensor that a compiled function takes as an argument and draws tensors from, such as a
 * source of random numbers: made in JavaScript, different in each call, fed to the graph as inputs.
 */
export interface CompiledSource {
  /**
   * What the function is given in this one's place while it is compiled. It must offer the same methods; where
   * one would make a tensor it returns `input(shape, dtype, draw)` instead, and `draw` is called with the real
   * argument of each later call to make the tensor that is fed.
   */
  whileCompiled(input: CompiledInput): this;
}

export type CompiledInput = (
  shape: readonly number[],
  dtype: DataType,
  draw: (argument: never) => Tensor,
) => Tensor;

export const isCompiledSource = (value: unknown): value is CompiledSource =>
  typeof (value as CompiledSource | null)?.whileCompiled === 'function';
