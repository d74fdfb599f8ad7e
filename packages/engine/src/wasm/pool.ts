import type { KernelFunc, NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';
import { windows } from '../gradients/pooling.ts';

/** The backend's own pools know no rounding mode: where the last window is a partial one, they read beyond their output. */
export const poolKernel =
  (original: KernelFunc): KernelFunc =>
  (call) => {
    const { attrs } = windows(call.inputs.x as Tensor, call.attrs as NamedAttrMap);
    return original({ ...call, attrs: attrs as unknown as NamedAttrMap });
  };
