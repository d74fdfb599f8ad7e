import {
  engine,
  max,
  mean,
  min,
  mul,
  square,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { afterEach, expect, test, vi } from 'vitest';
import { inputGradient } from '../src/input-gradient.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const numbers = (x: Tensor) => Array.from(x.dataSync());
const gradient = (f: (x: Tensor) => Tensor, x: Tensor) =>
  inputGradient((at: Tensor) => ({ value: f(at) }), x).gradient;

test.each([
  ['sum over all axes', (x: Tensor) => sum(x)],
  ['mean over all axes', (x: Tensor) => mean(x)],
  ['sum over an axis', (x: Tensor) => sum(x, 1)],
  ['mean over two axes', (x: Tensor) => mean(x, [0, 2], true)],
])(
  'no array is made in JavaScript for the gradient of a %s, at first or second order',
  (_name, f) => {
    tidy(() => {
      const x = zeros([8, 50, 5]);
      const makeTensor = vi.spyOn(engine(), 'makeTensor');
      gradient((at) => square(gradient((z) => square(f(z)), at)), x);
      const sizes = makeTensor.mock.calls.map(
        ([values]) => (values as ArrayLike<number>).length ?? 1,
      );
      expect(sizes.length).toBeGreaterThan(0);
      expect(sizes.filter((size) => size > 50)).toEqual([]);
    });
  },
);

test('entries that share a maximum or a minimum share its gradient', () => {
  tidy(() => {
    const x = tensor2d([
      [1, 3, 3],
      [2, 2, 2],
    ]);
    const third = Math.fround(1 / 3);
    const maxima = numbers(gradient((at) => max(at, 1), x));
    expect(maxima).toEqual([0, 0.5, 0.5, third, third, third]);
    expect(numbers(gradient((at) => min(at, 1), x))).toEqual([1, 0, 0, third, third, third]);
  });
});

test('a gradient through a maximum keeps NaN', () => {
  tidy(() => {
    const x = tensor1d([1, Number.NaN]);
    expect(numbers(gradient((at) => mul(max(at), 2), x))[1]).toBeNaN();
  });
});
