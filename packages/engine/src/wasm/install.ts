import {
  getKernel,
  type KernelFunc,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { convolutionGradients } from './convolution-gradients.ts';
import { depthwiseConvolutionGradients } from './depthwise-convolution-gradients.ts';
import { gatherKernel } from './gather.ts';
import { identityKernel } from './identity.ts';
import { log1pKernel } from './log1p.ts';
import { fusedMatMulKernel, matMulKernel } from './mat-mul.ts';
import { maxPoolGradientKernel, maxPoolWithArgmaxKernel } from './max-pool-gradient.ts';
import { poolKernel } from './pool.ts';
import { convolutionKernel } from './same-padding.ts';
import { signKernel } from './sign.ts';
import { softplusKernel } from './softplus.ts';
import { unsortedSegmentSumKernel } from './unsorted-segment-sum.ts';

/** Each makes our kernel, given the backend's own. */
const kernels: Record<string, (original: KernelFunc) => KernelFunc> = {
  Conv2D: convolutionKernel(false),
  DepthwiseConv2dNative: convolutionKernel(true),
  Conv2DBackpropInput: () => convolutionGradients.Conv2DBackpropInput,
  Conv2DBackpropFilter: () => convolutionGradients.Conv2DBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: () =>
    depthwiseConvolutionGradients.DepthwiseConv2dNativeBackpropInput,
  DepthwiseConv2dNativeBackpropFilter: () =>
    depthwiseConvolutionGradients.DepthwiseConv2dNativeBackpropFilter,
  UnsortedSegmentSum: () => unsortedSegmentSumKernel,
  AvgPool: poolKernel,
  MaxPool: poolKernel,
  MaxPoolGrad: () => maxPoolGradientKernel,
  MaxPoolWithArgmax: () => maxPoolWithArgmaxKernel,
  GatherV2: gatherKernel,
  Identity: () => identityKernel,
  Softplus: () => softplusKernel,
  Log1p: () => log1pKernel,
  Sign: () => signKernel,
  BatchMatMul: matMulKernel,
  FusedConv2D: convolutionKernel(false),
  FusedDepthwiseConv2D: convolutionKernel(true),
  _FusedMatMul: fusedMatMulKernel,
};

const installed = new Map<string, KernelFunc>();

/**
 * Gives tfjs's wasm backend the kernels that training a convolutional network needs: the filter gradient
 * of a convolution, both gradients of a depthwise one and the gradient of gather, which it lacks, and fast ones for a convolution's input gradient, for matrix products
 * with a transposed factor and for softplus; and right ones where its own are wrong (log1p and sign of small numbers, the gradient
 * of a max pool without positive entries, pools rounded up, gather with batch dimensions, 'same' convolutions whose stride leaves pixels out,
 * fused products with a bias and a transposed factor). Called by `useEngine`; call it yourself after
 * `@tensorflow/tfjs-backend-wasm` is imported in a browser. Idempotent.
 */
export function installWasmKernels(): void {
  for (const [kernelName, make] of Object.entries(kernels)) {
    const current = getKernel(kernelName, 'wasm');
    if (current && current.kernelFunc === installed.get(kernelName)) continue;
    const kernelFunc = make(current?.kernelFunc as KernelFunc);
    if (current) unregisterKernel(kernelName, 'wasm');
    // The backend's own set-up stays: it may not have started yet.
    registerKernel({ ...current, kernelName, backendName: 'wasm', kernelFunc });
    installed.set(kernelName, kernelFunc);
  }
}
