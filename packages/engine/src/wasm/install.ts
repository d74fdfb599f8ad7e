import {
  getKernel,
  type KernelFunc,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import { convolutionGradients } from './convolution-gradients.ts';
import { softplusKernel } from './softplus.ts';

const kernels: Record<string, KernelFunc> = { ...convolutionGradients, Softplus: softplusKernel };

/**
 * Gives tfjs's wasm backend the kernels that training a convolutional network needs: the filter gradient
 * of a convolution, which it lacks, and fast ones for its input gradient and for softplus. Called by
 * `useEngine`; call it yourself after `@tensorflow/tfjs-backend-wasm` is imported in a browser. Idempotent.
 */
export function installWasmKernels(): void {
  for (const [kernelName, kernelFunc] of Object.entries(kernels)) {
    const current = getKernel(kernelName, 'wasm');
    if (current?.kernelFunc === kernelFunc) continue;
    if (current) unregisterKernel(kernelName, 'wasm');
    registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
  }
}
