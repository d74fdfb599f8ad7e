import {
  abs,
  add,
  clipByValue,
  concat,
  conv2d,
  cos,
  div,
  elu,
  exp,
  greater,
  leakyRelu,
  log,
  logSoftmax,
  logSumExp,
  matMul,
  max,
  maximum,
  mean,
  minimum,
  mul,
  oneHot,
  pad,
  pow,
  randomNormal,
  relu,
  reshape,
  rsqrt,
  sigmoid,
  sin,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  squaredDifference,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  tensor1d,
  transpose,
  where,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientCheck } from '../src/gradient-check.ts';
import { useEngine } from '../src/node.ts';

/*
 * Every op that a convolutional classifier and its losses use, differentiated once and twice, against
 * central differences of the function and of its gradient: in float32, those are themselves good to about
 * 2e-3 of the derivative here (rounding, and h²/6 times the third derivative). A path that is missed shows
 * as an error of 5 % or more.
 */
const tolerance = 5e-3;

const normal = (shape: number[], seed: number) => randomNormal(shape, 0, 1, 'float32', seed);
const vector = () => tensor1d([-2.1, -0.9, -0.4, 0.3, 0.8, 1.7]);
const positive = () => tensor1d([0.4, 0.7, 1.1, 1.9, 2.6]);
const matrix = () => normal([3, 5], 11);
const image = (size = 6, channels = 2) => normal([2, size, size, channels], 12);

type Padding = 'same' | 'valid' | [[0, 0], [number, number], [number, number], [0, 0]];

interface Convolution {
  size: number;
  kernel: number;
  stride: number;
  padding: Padding;
}

const convolutions: Record<string, Convolution> = {
  '3x3 same': { size: 5, kernel: 3, stride: 1, padding: 'same' },
  '3x3 valid': { size: 5, kernel: 3, stride: 1, padding: 'valid' },
  '3x3 stride 2 same, even size': { size: 6, kernel: 3, stride: 2, padding: 'same' },
  '3x3 stride 2 same, odd size': { size: 5, kernel: 3, stride: 2, padding: 'same' },
  '3x3 stride 2 valid, a row left over': { size: 6, kernel: 3, stride: 2, padding: 'valid' },
  '3x3 stride 2, padded by 1 as PyTorch does': {
    size: 6,
    kernel: 3,
    stride: 2,
    padding: [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ],
  },
  '1x1': { size: 4, kernel: 1, stride: 1, padding: 'same' },
  '1x1 stride 2': { size: 5, kernel: 1, stride: 2, padding: 'same' },
  '7x7 stride 2, padded by 3': {
    size: 8,
    kernel: 7,
    stride: 2,
    padding: [
      [0, 0],
      [3, 3],
      [3, 3],
      [0, 0],
    ],
  },
};

/** The convolution, and its square, so that neither derivative vanishes. */
function convolved(x: Tensor, filter: Tensor, { stride, padding }: Convolution): Tensor {
  const explicit = Array.isArray(padding);
  const z = conv2d(
    x as Tensor4D,
    filter as Tensor4D,
    stride,
    padding as 'same',
    'NHWC',
    1,
    explicit ? 'floor' : undefined,
  );
  return mul(z, sigmoid(z));
}

/** Batch normalisation at the statistics of the batch, through which gradients flow. */
function batchNorm(x: Tensor): Tensor {
  const centre = mean(x, [0, 1, 2], true);
  const variance = mean(square(sub(x, centre)), [0, 1, 2], true);
  return mul(sub(x, centre), rsqrt(add(variance, 1e-2)));
}

/** f(x)·x², so that no second derivative is 0 only because f is piecewise linear. */
const curved = (f: (x: Tensor) => Tensor) => (x: Tensor) => mul(f(x), square(x));

/** −log p_y */
const crossEntropy = (logits: Tensor) =>
  sum(mul(oneHot(tensor1d([1, 4, 0], 'int32'), 5), logSoftmax(logits as Tensor2D)), 1);

const elementwise: Record<string, (x: Tensor) => Tensor> = {
  exp,
  tanh,
  sigmoid,
  softplus,
  sin,
  cos,
  square,
  'relu, away from 0': relu,
  elu,
  'leakyRelu, away from 0': (x) => leakyRelu(x, 0.1),
  'swish, x·σ(x)': (x) => mul(x, sigmoid(x)),
  'abs, away from 0': abs,
  'clipByValue, away from the bounds': (x) => clipByValue(x, -1, 1),
  'maximum and minimum of two': (x) => add(maximum(square(x), x), minimum(exp(x), 1.05)),
  'softplus of a tanh, a mixture': (x) => softplus(mul(3, tanh(exp(mul(0.5, x))))),
};

const cases: Record<string, { f: (x: Tensor) => Tensor; at: () => Tensor }> = {
  ...Object.fromEntries(
    Object.entries(elementwise).map(([name, f]) => [name, { f: curved(f), at: vector }]),
  ),
  log: { f: log, at: positive },
  sqrt: { f: sqrt, at: positive },
  rsqrt: { f: rsqrt, at: positive },
  pow: { f: (x) => pow(x, 2.5), at: positive },
  'div, numerator and denominator': { f: (x) => div(sin(x), add(1, square(x))), at: positive },
  squaredDifference: { f: (x) => squaredDifference(square(x), sin(x)), at: vector },
  'sum over an axis': { f: (x) => square(sum(square(x), 1)), at: matrix },
  'mean over axes': { f: (x) => square(mean(square(x), [1, 2])), at: image },
  'max over an axis': { f: (x) => square(max(x, 1)), at: matrix },
  logSumExp: { f: (x) => square(logSumExp(x, 1)), at: matrix },
  softmax: { f: (x) => softmax(x as Tensor2D), at: matrix },
  logSoftmax: { f: (x) => logSoftmax(x as Tensor2D), at: matrix },
  'cross-entropy': { f: crossEntropy, at: matrix },
  'matMul, left': {
    f: (x) => square(matMul(x as Tensor2D, normal([5, 4], 2) as Tensor2D)),
    at: matrix,
  },
  'matMul, right': {
    f: (x) => square(matMul(normal([4, 3], 2) as Tensor2D, x as Tensor2D)),
    at: matrix,
  },
  'matMul with its own transpose': {
    f: (x) => matMul(x as Tensor2D, x as Tensor2D, false, true),
    at: matrix,
  },
  'batch normalisation, batch statistics': { f: (x) => mul(batchNorm(x), sin(x)), at: image },
  'global average pool': { f: (x) => square(mean(softplus(x), [1, 2])), at: image },
  pad: {
    f: (x) =>
      square(
        pad(x, [
          [0, 0],
          [1, 2],
          [0, 1],
          [0, 0],
        ]),
      ),
    at: image,
  },
  slice: { f: (x) => square(slice(x, [0, 1, 2, 0], [2, 3, 2, 1])), at: image },
  concat: { f: (x) => square(concat([x, sin(x)], 3)), at: image },
  reshape: { f: (x) => square(reshape(x, [2, 72])), at: image },
  transpose: {
    f: (x) => mul(square(transpose(x, [0, 3, 1, 2])), normal([2, 2, 6, 6], 3)),
    at: image,
  },
  'space to depth': {
    f: (x) =>
      square(reshape(transpose(reshape(x, [2, 3, 2, 3, 2, 2]), [0, 1, 3, 2, 4, 5]), [2, 3, 3, 8])),
    at: image,
  },
  'broadcast multiplication': { f: (x) => mul(square(x), mean(x, [0, 1, 2])), at: image },
  where: {
    f: (x) =>
      where(tensor([true, false, true, false, true, false], [6], 'bool'), exp(x), square(x)),
    at: vector,
  },
  'where, on a comparison': {
    f: (x) => where(greater(x, 0), exp(x), square(x)),
    at: vector,
  },
  ...Object.fromEntries(
    Object.entries(convolutions).flatMap(([name, geometry]) => {
      const { size, kernel } = geometry;
      const filter = () => mul(normal([kernel, kernel, 2, 3], 21), 1 / kernel);
      return [
        [
          `convolution ${name}, in the input`,
          { f: (x: Tensor) => convolved(x, filter(), geometry), at: () => image(size) },
        ],
        [
          `convolution ${name}, in the filter`,
          { f: (w: Tensor) => convolved(image(size), w, geometry), at: filter },
        ],
      ];
    }),
  ),
};

describe.each(['wasm', 'cpu'] as const)('on %s', (engine) => {
  beforeAll(async () => {
    await useEngine({ prefer: engine });
  });

  test.each(Object.entries(cases))('%s', (_name, { f, at }) => {
    const errors = gradientCheck(f, at(), { step: 5e-3 });
    expect(errors.first).toBeLessThan(tolerance);
    expect(errors.second).toBeLessThan(tolerance);
  });
});
