import {
  engine,
  type KernelFunc,
  reshape,
  type Tensor,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';

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
      const a = swapped(call.inputs.a as Tensor, transposeA);
      const b = swapped(call.inputs.b as Tensor, transposeB);
      return engine().runKernel(
        'BatchMatMul',
        { a, b },
        { transposeA: false, transposeB: false },
      ) as Tensor;
    });
  };

function swapped(info: Tensor, swap: boolean): Tensor {
  const x = reshape(info, info.shape);
  const { rank } = x;
  return swap ? transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]) : x;
}
