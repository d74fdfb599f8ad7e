import { exp, mul, relu, sub } from '@tensorflow/tfjs-core';
import type { Gradients } from './gradient.ts';

export const activations: Gradients = {
  // elu′ = exp(min(x, 0)): tfjs's own goes through EluGrad, which has no gradient. x − relu(x) is min(x, 0), fast on wasm.
  Elu: { save: ['x'], gradient: (dy, [x]) => ({ x: () => mul(dy, exp(sub(x!, relu(x!)))) }) },
};
