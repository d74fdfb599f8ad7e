import {
  exp,
  getGradient,
  mul,
  registerGradient,
  square,
  sum,
  type Tensor,
  tensor1d,
  tidy,
  unregisterGradient,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { gradientCheck } from '../src/gradient-check.ts';
import { installHigherOrderGradients } from '../src/gradients/install.ts';
import { registrations } from '../src/gradients/registrations.ts';
import { inputGradient } from '../src/input-gradient.ts';

/** What a later `import '@tensorflow/tfjs'` does: registers other gradients over the ones in force. */
function override(kernelName: string) {
  unregisterGradient(kernelName);
  registerGradient({
    kernelName,
    inputsToSave: ['x'],
    gradFunc: (_dy, [x]) => ({ x: () => zerosLike(x!) }),
  });
}

test('tfjs-core alone can take a gradient', () => {
  tidy(() => {
    const { gradient } = inputGradient((x: Tensor) => ({ value: mul(exp(x), x) }), tensor1d([1]));
    expect(gradient.dataSync()[0]).toBeCloseTo(2 * Math.E, 4);
  });
});

test('inputGradient puts back what a later import has overridden', () => {
  for (const kernelName of ['Sum', 'Elu']) override(kernelName);
  tidy(() => {
    const { gradient } = inputGradient((x: Tensor) => ({ value: sum(square(x)) }), tensor1d([3]));
    expect(gradient.dataSync()[0]).toBe(6);
  });
  for (const registration of registrations) {
    expect(getGradient(registration.kernelName)).toBe(registration);
  }
});

test('installing twice changes nothing', () => {
  installHigherOrderGradients();
  installHigherOrderGradients();
  expect(gradientCheck((x) => exp(mul(x, x)), tensor1d([0.3, -0.6])).second).toBeLessThan(2e-3);
});
