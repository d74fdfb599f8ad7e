import {
  abs,
  add,
  div,
  equal,
  type KernelFunc,
  less,
  log,
  mul,
  sub,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import { asTensor } from './as-tensor.ts';

/**
 * log(1 + x) to full precision where x is small, by Kahan's x·log(s)/(s − 1) with s = 1 + x as rounded. The
 * backend's own takes the logarithm of s as it is: at 1e-5 that is wrong by 6e-4.
 */
export const log1pKernel: KernelFunc = ({ inputs }) =>
  tidy(() => {
    const x = asTensor(inputs.x);
    const rounded = add(x, 1);
    const plain = log(rounded);
    const corrected = where(equal(rounded, 1), x, mul(x, div(plain, sub(rounded, 1))));
    return where(less(abs(x), 1), corrected, plain);
  });
