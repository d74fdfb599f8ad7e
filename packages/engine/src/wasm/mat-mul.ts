import {
  concat,
  engine,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorMap,
  slice,
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

/**
 * With a transposed factor, or with several matrices at once, the backend's fused product takes the wrong entries of the
 * bias. So factors are transposed first, and matrices multiplied one by one.
 */
export const fusedMatMulKernel =
  (original: Original): KernelFunc =>
  (call) => {
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    const { a, b, bias } = call.inputs;
    const count = a!.shape[0]!;
    const single = count === 1 && b!.shape[0] === 1;
    if (!bias || (single && !transposeA && !transposeB)) return original(call);
    return tidy(() => {
      const left = swapped(a, transposeA);
      const right = swapped(b, transposeB);
      const others = Object.entries(call.inputs).flatMap(([name, input]) =>
        input ? [[name, asTensor(input)] as const] : [],
      );
      const attrs = { ...call.attrs, transposeA: false, transposeB: false } as NamedAttrMap;
      const one = (i: number) => {
        const inputs = { ...Object.fromEntries(others), a: matrix(left, i), b: matrix(right, i) };
        return engine().runKernel('_FusedMatMul', inputs as NamedTensorMap, attrs) as Tensor;
      };
      return concat(
        Array.from({ length: count }, (_, i) => one(i)),
        0,
      );
    });
  };

const matrix = (x: Tensor, i: number): Tensor => slice(x, [i, 0, 0], [1, x.shape[1]!, x.shape[2]!]);

function swapped(info: TensorInfo | undefined, swap: boolean): Tensor {
  const x = asTensor(info);
  const { rank } = x;
  return swap ? transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]) : x;
}
