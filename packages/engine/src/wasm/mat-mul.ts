import {
  engine,
  type KernelFunc,
  type Tensor,
  type TensorInfo,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { asTensor } from './as-tensor.ts';

/** A kernel as it was before this package replaced it. */
type Original = KernelFunc;

/**
 * Matrix products with a transposed factor, which every dense layer's gradient has, go through a scalar
 * loop in the wasm backend; the plain product is XNNPACK's. So the factor is transposed first.
 */
export const matMulKernel =
  (original: Original): KernelFunc =>
  (call) => {
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    if (!transposeA && !transposeB) return original(call);
    return tidy(() => {
      const a = swapped(call.inputs.a, transposeA);
      const b = swapped(call.inputs.b, transposeB);
      return engine().runKernel(
        'BatchMatMul',
        { a, b },
        { transposeA: false, transposeB: false },
      ) as Tensor;
    });
  };

function swapped(info: TensorInfo | undefined, swap: boolean): Tensor {
  const x = asTensor(info);
  const { rank } = x;
  return swap ? transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]) : x;
}
