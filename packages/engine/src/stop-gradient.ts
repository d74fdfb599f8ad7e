import { clone, customGrad, type Tensor, zerosLike } from '@tensorflow/tfjs-core';

const stopped = customGrad((x) => ({
  value: clone(x as Tensor),
  gradFunc: (dy: Tensor) => zerosLike(dy),
}));

/** x as a constant: no gradient flows through it. */
export const stopGradient = <T extends Tensor>(x: T): T => stopped(x) as T;
