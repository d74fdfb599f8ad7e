import {
  clone,
  customGrad,
  exp,
  keep,
  losses,
  mul,
  oneHot,
  softmax,
  square,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { gradientCheck } from '../src/gradient-check.ts';
import { inputGradient } from '../src/input-gradient.ts';
import { stopGradient } from '../src/stop-gradient.ts';

const numbers = (x: Tensor) => Array.from(x.dataSync());
const logits = () => tensor2d([[1, -0.5, 0.3]]);
const label = () => oneHot(tensor1d([2], 'int32') as Tensor1D, 3);
const tfjsCrossEntropy = (z: Tensor) => losses.softmaxCrossEntropy(label(), z as Tensor2D);

type Save = (tensors: Tensor[]) => void;

/** exp(x)², whose custom gradient saves a tensor of its own, exp(x). */
const savesIntermediate = customGrad(function squaredExp(x, save) {
  const e = exp(x as Tensor);
  (save as Save)([e]);
  return {
    value: square(e),
    gradFunc: (dy: Tensor, saved: Tensor[]) => mul(dy, mul(2, square(saved[0]!))),
  };
});

const savesInput = customGrad((x, save) => {
  (save as Save)([x as Tensor]);
  return {
    value: square(x as Tensor),
    gradFunc: (dy: Tensor, saved: Tensor[]) => mul(dy, mul(2, saved[0]!)),
  };
});

const savesOutput = customGrad((x, save) => {
  const e = exp(x as Tensor);
  (save as Save)([e]);
  return { value: e, gradFunc: (dy: Tensor, saved: Tensor[]) => mul(dy, saved[0]!) };
});

const nested = (f: (x: Tensor) => Tensor, x: Tensor) =>
  tidy(() =>
    inputGradient((at: Tensor) => {
      const { gradient } = inputGradient((z: Tensor) => ({ value: f(z) }), at);
      return { value: square(gradient) };
    }, x),
  );

test('losses.softmaxCrossEntropy is refused in a nested gradient', () => {
  expect(() => nested(tfjsCrossEntropy, logits())).toThrow(
    /^softmaxCrossEntropy can't be differentiated twice.*use crossEntropy of @llr\/core/s,
  );
});

test('a custom gradient that saves an intermediate tensor is refused in a nested gradient, by name', () => {
  expect(() => nested(savesIntermediate, tensor1d([0.5]))).toThrow(
    /^The custom gradient "squaredExp" can't be differentiated twice/,
  );
});

test('both are right and accepted at first order', () => {
  tidy(() => {
    const { gradient } = inputGradient((z: Tensor) => ({ value: tfjsCrossEntropy(z) }), logits());
    const expected = numbers(softmax(logits()));
    expected[2]! -= 1;
    numbers(gradient).forEach((found, i) => {
      expect(found).toBeCloseTo(expected[i]!, 5);
    });
    const own = inputGradient((x: Tensor) => ({ value: savesIntermediate(x) }), tensor1d([0.5]));
    expect(numbers(own.gradient)[0]).toBeCloseTo(2 * Math.exp(1), 4);
  });
});

test('a custom gradient that saves its input or its output may be nested, and is right', () => {
  for (const f of [savesInput, savesOutput]) {
    const errors = gradientCheck((x) => mul(f(x), x), tensor1d([0.5, -0.4, 1.2]));
    expect(errors.first).toBeLessThan(2e-3);
    expect(errors.second).toBeLessThan(2e-3);
  }
});

/** exp(x)², whose custom gradient uses a tensor of its own that it doesn't save. */
const capturesIntermediate = (hold: (x: Tensor) => Tensor) =>
  customGrad(function squaredExp(x) {
    const e = hold(exp(x as Tensor));
    return { value: square(e), gradFunc: (dy: Tensor) => mul(dy, mul(2, square(e))) };
  });

test.each([
  ['disposed of', (x: Tensor) => x],
  ['kept alive, where nothing else would fail', keep],
])(
  'a custom gradient that captures an intermediate tensor is refused in a nested gradient: %s',
  (_, hold) => {
    expect(() => nested(capturesIntermediate(hold), tensor1d([0.5]))).toThrow(
      /^The custom gradient "squaredExp" can't be differentiated twice: its custom gradient captures/,
    );
  },
);

test('a clone of the input, which shares its data, is an intermediate tensor too', () => {
  const f = customGrad((x) => {
    const copy = clone(x as Tensor);
    return { value: square(copy), gradFunc: (dy: Tensor) => mul(dy, mul(2, copy)) };
  });
  expect(() => nested((x) => f(mul(x, 2)), tensor1d([0.5]))).toThrow('captures a tensor');
});

test('a custom gradient may capture its input and its output, and is right', () => {
  const capturesInput = customGrad((x) => ({
    value: square(x as Tensor),
    gradFunc: (dy: Tensor) => mul(dy, mul(2, x as Tensor)),
  }));
  const capturesOutput = customGrad((x) => {
    const e = exp(x as Tensor);
    return { value: e, gradFunc: (dy: Tensor) => mul(dy, e) };
  });
  for (const f of [capturesInput, capturesOutput]) {
    // Of an intermediate tensor, which is disposed of before the gradient runs.
    const errors = gradientCheck((x) => mul(f(mul(x, 1.5)), x), tensor1d([0.5, -0.4, 1.2]));
    expect(errors.first).toBeLessThan(2e-3);
    expect(errors.second).toBeLessThan(2e-3);
  }
});

test('an op that only its value is taken of may be any', () => {
  tidy(() => {
    const { gradient } = inputGradient(
      (x: Tensor) => {
        const constant = stopGradient(savesIntermediate(x));
        return {
          value: mul(inputGradient((z: Tensor) => ({ value: square(z) }), x).gradient, constant),
        };
      },
      tensor1d([0.5]),
    );
    expect(numbers(gradient)[0]).toBeCloseTo(2 * Math.E, 4);
  });
});

test('after a refusal, gradients work as before', () => {
  expect(() => nested(savesIntermediate, tensor1d([0.5]))).toThrow();
  tidy(() => {
    const { gradient } = inputGradient((x: Tensor) => ({ value: sum(square(x)) }), tensor1d([3]));
    expect(numbers(gradient)).toEqual([6]);
  });
});
