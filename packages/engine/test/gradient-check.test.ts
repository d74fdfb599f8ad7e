import { customGrad, mul, square, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { gradientCheck } from '../src/gradient-check.ts';
import { stopGradient } from '../src/stop-gradient.ts';

const x = () => tensor1d([0.7, -1.2, 0.4]);

test('accepts a right gradient', () => {
  const errors = gradientCheck((at) => mul(square(at), at), x());
  expect(errors.first).toBeLessThan(1e-3);
  expect(errors.second).toBeLessThan(1e-3);
});

test('sees a wrong first derivative', () => {
  const wrong = customGrad((at, save) => {
    (save as (tensors: Tensor[]) => void)([at as Tensor]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => mul(dy, mul(saved[0]!, 2.2));
    return { value: square(at as Tensor), gradFunc };
  });
  expect(gradientCheck((at) => wrong(at), x()).first).toBeGreaterThan(0.05);
});

test('sees a second derivative that misses a path', () => {
  const halfConstant = customGrad((at, save) => {
    (save as (tensors: Tensor[]) => void)([at as Tensor]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) =>
      mul(dy, mul(3, mul(saved[0]!, stopGradient(saved[0]!))));
    return { value: mul(square(at as Tensor), at as Tensor), gradFunc };
  });
  const errors = gradientCheck((at) => halfConstant(at), x());
  expect(errors.first).toBeLessThan(1e-3);
  expect(errors.second).toBeGreaterThan(0.2);
});
