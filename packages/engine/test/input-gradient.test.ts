import {
  add,
  customGrad,
  exp,
  keep,
  mean,
  memory,
  mul,
  scalar,
  square,
  sub,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { inputGradient } from '../src/input-gradient.ts';

const numbers = (x: Tensor) => Array.from(x.dataSync());

test('value, gradient and extra come from one forward pass', () => {
  tidy(() => {
    let passes = 0;
    const { value, gradient, extra } = inputGradient(
      (x: Tensor) => {
        passes++;
        const squared = square(x);
        return { value: sum(squared, 1), extra: { squared } };
      },
      tensor2d([
        [1, 2],
        [3, 4],
      ]),
    );
    expect(passes).toBe(1);
    expect(numbers(value)).toEqual([5, 25]);
    expect(numbers(gradient)).toEqual([2, 4, 6, 8]);
    expect(numbers(extra.squared)).toEqual([1, 4, 9, 16]);
  });
});

test('the gradient, the value and the extra can be differentiated again', () => {
  tidy(() => {
    // h(x) = Σ f′(x)² + f(x) + extra with f = x³ and extra = x²: h′ = 36x³ + 3x² + 2x
    const { gradient } = inputGradient(
      (x: Tensor) => {
        const inner = inputGradient(
          (at: Tensor) => ({ value: mul(square(at), at), extra: { squared: square(at) } }),
          x,
        );
        return { value: add(add(square(inner.gradient), inner.value), inner.extra.squared) };
      },
      tensor1d([0.5, -1]),
    );
    const expected = [0.5, -1].map((x) => 36 * x ** 3 + 3 * x ** 2 + 2 * x);
    numbers(gradient).forEach((found, i) => {
      expect(found).toBeCloseTo(expected[i]!, 4);
    });
  });
});

test('a statistic computed from the same tensor before is a constant', () => {
  tidy(() => {
    // As batch statistics are: d/dx x(x − m)² at constant m = mean(x) is (x − m)² + 2x(x − m).
    const values = [1, 2, 6];
    let found: number[] = [];
    inputGradient((x: Tensor) => {
      const m = mean(x);
      const { gradient } = inputGradient(
        (at: Tensor) => ({ value: mul(at, square(sub(at, m))) }),
        x,
      );
      found = numbers(gradient);
      return { value: gradient };
    }, tensor1d(values));
    expect(found).toEqual(values.map((x) => (x - 3) ** 2 + 2 * x * (x - 3)));
  });
});

test('outside a tidy, only what is returned stays', () => {
  const x = tensor1d([1, 2]);
  const before = memory().numTensors;
  const found = inputGradient((at: Tensor) => {
    const e = exp(at);
    return { value: e, extra: { twice: mul(e, 2) } };
  }, x);
  expect(memory().numTensors).toBe(before + 3);
  for (const tensor of [found.value, found.gradient, found.extra.twice]) tensor.dispose();
  expect(memory().numTensors).toBe(before);
  x.dispose();
});

test('inside a tidy, what is returned is freed with it, nested too', () => {
  const x = tensor1d([1, 2]);
  const before = memory().numTensors;
  for (let i = 0; i < 3; i++) {
    tidy(() => {
      inputGradient(
        (z: Tensor) => ({
          value: square(
            inputGradient((at: Tensor) => ({ value: exp(at), extra: { z: mul(at, 2) } }), z)
              .gradient,
          ),
        }),
        x,
      );
    });
    expect(memory().numTensors).toBe(before);
  }
  x.dispose();
});

test('tensors of the caller’s that f returns stay the caller’s', () => {
  const labels = tensor1d([1, 2]);
  const weight = variable(scalar(3));
  const x = tensor1d([1, 2]);
  tidy(() => {
    inputGradient((at: Tensor) => ({ value: mul(at, weight), extra: { labels, weight } }), x);
  });
  expect([labels, weight, x].map((tensor) => tensor.isDisposed)).toEqual([false, false, false]);
  const kept = keep(scalar(1));
  tidy(() => {
    inputGradient((at: Tensor) => ({ value: square(at), extra: { kept } }), x);
  });
  expect(kept.isDisposed).toBe(false);
  for (const tensor of [labels, weight, x, kept]) tensor.dispose();
});

test('f may return the point itself', () => {
  const x = tensor1d([1, 2]);
  const { value, gradient, extra } = inputGradient(
    (at: Tensor) => ({ value: at, extra: { at } }),
    x,
  );
  expect(numbers(value)).toEqual([1, 2]);
  expect(numbers(extra.at)).toEqual([1, 2]);
  expect(numbers(gradient)).toEqual([1, 1]);
  expect(value).not.toBe(x);
});

test('a function that does not depend on x is an error', () => {
  const other = scalar(2);
  expect(() =>
    tidy(() => inputGradient(() => ({ value: square(other) }), tensor1d([1, 2]))),
  ).toThrow(/Cannot compute gradient/);
});

test('what f throws gets out, and the next gradient is right', () => {
  const broken = customGrad(() => {
    throw new Error('broken on purpose');
  });
  tidy(() => {
    const x = tensor1d([2]);
    expect(() => inputGradient((at: Tensor) => ({ value: broken(exp(at)) }), x)).toThrow(
      'broken on purpose',
    );
    const { gradient } = inputGradient((at: Tensor) => ({ value: square(at) }), x);
    expect(numbers(gradient)).toEqual([4]);
  });
});
