import {
  add,
  conv2d,
  depthwiseConv2d,
  fused,
  matMul,
  memory,
  mul,
  randomNormal,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tidy,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientCheck } from '../src/gradient-check.ts';
import { inputGradient } from '../src/input-gradient.ts';
import { useEngine } from '../src/node.ts';
import { engines } from './engines.ts';

const noise = <T extends Tensor>(seed: number, ...shape: number[]) =>
  randomNormal(shape, 0, 1, 'float32', seed) as T;

const image = () => noise(1, 2, 8, 6, 3) as Tensor;
const bias = (channels: number) => noise(4, channels);

const margin: [number, number][] = [
  [0, 0],
  [1, 1],
  [1, 1],
  [0, 0],
];

interface Options {
  strides: number;
  pad: 'same';
  dilations?: number;
  size?: number;
}

const cases = (
  [
    ['same', { strides: 1, pad: 'same' }],
    ['strided', { strides: 2, pad: 'same' }],
    ['pixels left out', { strides: 4, pad: 'same', size: 2 }],
    ['dilated', { strides: 1, pad: 'same', dilations: 2 }],
    ['padded by 1', { strides: 2, pad: margin as never as 'same' }],
  ] as [string, Options][]
).flatMap(([how, { size = 3, ...options }]) => {
  const { strides, pad, dilations = 1 } = options;
  const filter = () => noise<Tensor4D>(2, size, size, 3, 4);
  const deep = () => noise<Tensor4D>(3, size, size, 3, 2);
  return [
    {
      what: `conv2d, ${how}`,
      x: image,
      fusedOp: (x: Tensor) =>
        fused.conv2d({ x: x as Tensor4D, filter: filter(), bias: bias(4), ...options }) as Tensor,
      plainOp: (x: Tensor): Tensor =>
        add(conv2d(x as Tensor4D, filter(), strides, pad, 'NHWC', dilations), bias(4)),
    },
    {
      what: `depthwiseConv2d, ${how}`,
      x: image,
      fusedOp: (x: Tensor) =>
        fused.depthwiseConv2d({
          x: x as Tensor4D,
          filter: deep(),
          bias: bias(6),
          ...options,
        }) as Tensor,
      plainOp: (x: Tensor): Tensor =>
        add(depthwiseConv2d(x as Tensor4D, deep(), strides, pad, 'NHWC', dilations), bias(6)),
    },
  ];
});

const products = [[], [2]].flatMap((batch) =>
  [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => {
      const b = () => noise<Tensor2D>(5, ...batch, ...(transposeB ? [5, 4] : [4, 5]));
      return {
        what: `matMul${transposeA ? ', a' : ''}${transposeB ? ', b' : ''}${batch.length > 0 ? ', many' : ''}`,
        x: () => noise(6, ...batch, ...(transposeA ? [4, 3] : [3, 4])) as Tensor,
        fusedOp: (x: Tensor) =>
          fused.matMul({
            a: x as Tensor2D,
            b: b(),
            bias: bias(5),
            transposeA,
            transposeB,
          }) as Tensor,
        plainOp: (x: Tensor): Tensor => add(matMul(x, b(), transposeA, transposeB), bias(5)),
      };
    }),
  ),
);

describe.each(engines)('fused operations on %s', (prefer) => {
  beforeAll(async () => {
    await useEngine({ prefer });
  });

  test.each([...cases, ...products])('$what', ({ x, fusedOp, plainOp }) => {
    const before = memory().numTensors;
    tidy(() => {
      const at = x();
      const slope = (op: (x: Tensor) => Tensor) => (point: Tensor) =>
        inputGradient((y: Tensor) => ({ value: square(tanh(op(y))) }), point).gradient;
      const second = (op: (x: Tensor) => Tensor) =>
        inputGradient((y: Tensor) => ({ value: sum(square(slope(op)(y))) }), at).gradient;
      const agree = (found: Tensor, wanted: Tensor) => {
        const values = wanted.dataSync();
        for (const [i, value] of found.dataSync().entries()) {
          expect(Math.abs(value - values[i]!)).toBeLessThan(1e-3 * (1 + Math.abs(values[i]!)));
        }
      };
      agree(fusedOp(at), plainOp(at));
      agree(slope(fusedOp)(at), slope(plainOp)(at));
      agree(second(fusedOp), second(plainOp));
      const errors = gradientCheck((y) => tanh(mul(fusedOp(y), 0.1)), at);
      expect(errors.first).toBeLessThan(1e-2);
      expect(errors.second).toBeLessThan(1e-2);
    });
    expect(memory().numTensors).toBe(before);
  });
});
