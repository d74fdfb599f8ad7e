import {
  einsum,
  image,
  localResponseNormalization,
  memory,
  mul,
  square,
  stridedSlice,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { afterAll, expect, test } from 'vitest';
import { gradientCheck } from '../src/gradient-check.ts';
import { inputGradient } from '../src/input-gradient.ts';
import { useEngine } from '../src/node.ts';

afterAll(async () => {
  await useEngine();
});

const picture = () => zeros([1, 4, 4, 2]);

test.each<[string, string, (x: Tensor) => Tensor]>([
  ['LRN', 'LRNGrad', (x) => localResponseNormalization(x as Tensor4D)],
  ['ResizeBilinear', 'ResizeBilinearGrad', (x) => image.resizeBilinear(x as Tensor4D, [6, 6])],
])('%s is differentiated once, and refused by name when differentiated twice', (op, kernel, f) => {
  tidy(() => {
    expect(inputGradient((x: Tensor) => ({ value: f(x) }), picture()).gradient.shape).toEqual([
      1, 4, 4, 2,
    ]);
  });
  expect(() => gradientCheck((x) => square(f(x)), picture())).toThrow(
    `${op} can't be differentiated twice: tfjs has no gradient for ${kernel}; use an op of the table in ` +
      "@llr/engine's README instead, or register one by tf.registerGradient",
  );
});

test('an op without any gradient is refused by name', async () => {
  await useEngine({ prefer: 'cpu' });
  const f = (x: Tensor) => einsum('ij,ik->jk', x as Tensor2D, x as Tensor2D);
  expect(() =>
    tidy(() => inputGradient((x: Tensor) => ({ value: f(x) }), tensor2d([[1, 2]]))),
  ).toThrow("Einsum can't be differentiated: tfjs has no gradient for Einsum");
});

test('an op that the engine lacks is named, with the engine', async () => {
  await useEngine({ prefer: 'wasm' });
  const f = (x: Tensor) => einsum('ij,ik->jk', x as Tensor2D, x as Tensor2D);
  expect(() =>
    tidy(() => inputGradient((x: Tensor) => ({ value: f(x) }), tensor2d([[1, 2]]))),
  ).toThrow(
    'Einsum, which this function or its gradient needs, is missing on the engine in use (backend wasm)',
  );
});

test('stridedSlice that drops an axis, which tfjs reads wrongly, is refused', () => {
  const f = (x: Tensor) => stridedSlice(x, [0, 1], [2, 2], [1, 1], 0, 0, 0, 0, 2);
  expect(() => tidy(() => inputGradient((x: Tensor) => ({ value: f(x) }), zeros([2, 3])))).toThrow(
    'Leave the mask out, and squeeze the axis afterwards.',
  );
});

test('a failed gradient leaves no tensors behind, and the next one is right', async () => {
  await useEngine({ prefer: 'cpu' });
  const x = tensor2d([[1, 2]]);
  const before = memory().numTensors;
  for (let i = 0; i < 3; i++) {
    expect(() =>
      inputGradient((at: Tensor) => ({ value: einsum('ij,ik->jk', square(at), at) }), x),
    ).toThrow();
  }
  expect(memory().numTensors).toBe(before);
  tidy(() => {
    const { gradient } = inputGradient(
      (at: Tensor) => ({ value: sum(mul(at, at)) }),
      tensor1d([3]),
    );
    expect(Array.from(gradient.dataSync())).toEqual([6]);
  });
  x.dispose();
});
