import { customGrad, type Tensor } from '@tensorflow/tfjs-core';

/**
 * What `compute` makes, as a constant: none of its ops is recorded, so that a second differentiation has
 * nothing to walk through. For factors whose derivative is 0 almost everywhere.
 */
export const constant = (compute: () => Tensor): Tensor =>
  customGrad(() => ({ value: compute(), gradFunc: () => [] }))();
