import { add, grad, memory, mul, scalar, square, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { heldConstant, holdingConstants, inputGradient } from '../src/index.ts';

/** x·s(x) + s(x) with s = w·x², held or not, and its derivative in x. */
const slope = (x: Tensor, w: Tensor) =>
  holdingConstants(() =>
    inputGradient((at) => {
      const s = heldConstant(() => mul(w, square(at)));
      return { value: add(mul(at, s), s), extra: { s } };
    }, x),
  );

it('is constant for the gradients inside, and nothing else for those around', () => {
  tidy(() => {
    const [x, w] = [scalar(3), scalar(2)];
    const { result, held } = slope(x, w);
    expect(held).toBe(1);
    // d/dx with s constant: s = w·x².
    expect(result.gradient.dataSync()[0]).toBeCloseTo(18, 4);
    // The derivatives of that in w and in x.
    expect(grad((by) => slope(x, by).result.gradient)(w).dataSync()[0]).toBeCloseTo(9, 4);
    expect(grad((by) => slope(by, w).result.gradient)(x).dataSync()[0]).toBeCloseTo(12, 4);
    // And of the value, x·s + s, and of s itself, all from the same pass.
    expect(grad((by) => slope(x, by).result.value)(w).dataSync()[0]).toBeCloseTo(36, 4);
    expect(grad((by) => slope(x, by).result.extra.s)(w).dataSync()[0]).toBeCloseTo(9, 4);
  });
});

it('is an ordinary value outside of holdingConstants', () => {
  tidy(() => {
    const plain = inputGradient((at) => ({ value: heldConstant(() => square(at)) }), scalar(3));
    expect(plain.gradient.dataSync()[0]).toBeCloseTo(6, 4);
  });
});

it('leaves no tensor, inside a gradient or not, also when something throws', () => {
  const [x, w] = [scalar(3), scalar(2)];
  const before = memory().numTensors;
  tidy(() => void slope(x, w));
  tidy(() => void grad((by) => slope(x, by).result.gradient)(w));
  expect(() =>
    tidy(() =>
      holdingConstants(() => {
        throw new Error('no');
      }),
    ),
  ).toThrow('no');
  expect(memory().numTensors).toBe(before);
  x.dispose();
  w.dispose();
});
