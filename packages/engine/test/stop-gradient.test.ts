import { memory, mul, square, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { inputGradient } from '../src/input-gradient.ts';
import { stopGradient } from '../src/stop-gradient.ts';

test('keeps the value and stops the gradient', () => {
  tidy(() => {
    const x = tensor1d([2, 3]);
    expect(Array.from(stopGradient(x).dataSync())).toEqual([2, 3]);
    const { value, gradient } = inputGradient(
      (at: Tensor) => ({ value: mul(stopGradient(square(at)), at) }),
      x,
    );
    expect(Array.from(value.dataSync())).toEqual([8, 27]);
    expect(Array.from(gradient.dataSync())).toEqual([4, 9]);
  });
});

test('stops the second derivative as well', () => {
  tidy(() => {
    const { gradient } = inputGradient(
      (x: Tensor) => {
        const inner = inputGradient((at: Tensor) => ({ value: mul(square(at), at) }), x).gradient;
        return { value: mul(stopGradient(inner), x) };
      },
      tensor1d([2]),
    );
    expect(Array.from(gradient.dataSync())).toEqual([12]);
  });
});

test('leaves its input alone', () => {
  const x = tensor1d([1]);
  const before = memory().numTensors;
  stopGradient(x).dispose();
  expect(memory().numTensors).toBe(before);
  expect(x.isDisposed).toBe(false);
  x.dispose();
});
