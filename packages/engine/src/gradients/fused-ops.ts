import { add, type NamedAttrMap, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';

/** What runs kernels. */
export interface Kernels {
  runKernel(name: string, inputs: NamedTensorMap, attrs?: NamedAttrMap): Tensor | Tensor[];
}

/** tfjs's fused operations, each with its kernel, and the kernel of the operation without bias and activation. */
const fused: Readonly<Record<string, readonly [kernel: string, plain: string]>> = {
  fusedConv2d: ['FusedConv2D', 'Conv2D'],
  fusedDepthwiseConv2d: ['FusedDepthwiseConv2D', 'DepthwiseConv2dNative'],
  fusedMatMul: ['_FusedMatMul', 'BatchMatMul'],
};

export const isFused = (op: string): boolean => op in fused;

/**
 * Runs what a fused operation of tfjs does, plain operation by plain operation. While a gradient is taken, tfjs fuses but
 * the bias; its own gradients know neither dilation nor explicit padding, and that of the product can't be nested.
 */
export function unfused<T>(kernels: Kernels, op: string, fn: () => T): T {
  const [kernel, plain] = fused[op]!;
  const run = kernels.runKernel;
  kernels.runKernel = function (name, inputs, attrs) {
    if (name !== kernel) return run.call(this, name, inputs, attrs);
    const { bias, preluActivationWeights: _, ...operands } = inputs;
    const result = run.call(this, plain, operands as NamedTensorMap, attrs) as Tensor;
    return bias ? add(result, bias) : result;
  };
  try {
    return fn();
  } finally {
    kernels.runKernel = run;
  }
}
