import {
  conv2d,
  depthwiseConv2d,
  grads,
  mul,
  randomNormal,
  type Tensor,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, expect, test } from 'vitest';
import { useEngine } from '../src/node.ts';

/** tfjs's own cpu kernels, plain loops over the definition, are the oracle for the composed wasm ones. */
type Padding = 'same' | 'valid' | [number, number, number, number];
type Geometry = [
  name: string,
  input: [h: number, w: number, c: number],
  filter: [h: number, w: number, c: number],
  stride: number | [number, number],
  padding: Padding,
];

const geometries: Geometry[] = [
  ['3x3 same', [8, 8, 3], [3, 3, 4], 1, 'same'],
  ['3x3 valid', [8, 8, 3], [3, 3, 4], 1, 'valid'],
  ['3x3 same, odd and not square', [7, 5, 2], [3, 3, 3], 1, 'same'],
  ['3x3 stride 2 same, even', [8, 8, 3], [3, 3, 4], 2, 'same'],
  ['3x3 stride 2 same, odd', [9, 7, 3], [3, 3, 4], 2, 'same'],
  ['3x3 stride 2 valid, even: a row and a column left over', [8, 8, 3], [3, 3, 4], 2, 'valid'],
  ['3x3 stride 2 padded by 1 on all sides', [8, 8, 3], [3, 3, 4], 2, [1, 1, 1, 1]],
  ['1x1', [6, 6, 5], [1, 1, 3], 1, 'same'],
  ['1x1 stride 2, even', [6, 6, 5], [1, 1, 3], 2, 'same'],
  ['1x1 stride 2, odd', [7, 7, 5], [1, 1, 3], 2, 'valid'],
  ['7x7 stride 2 same', [14, 14, 3], [7, 7, 4], 2, 'same'],
  ['7x7 stride 2 padded by 3', [15, 14, 3], [7, 7, 4], 2, [3, 3, 3, 3]],
  ['4x4 stride 2 same', [8, 8, 2], [4, 4, 3], 2, 'same'],
  ['2x2 stride 2', [8, 8, 2], [2, 2, 3], 2, 'valid'],
  ['3x3 stride 3 valid, two left over', [8, 8, 2], [3, 3, 3], 3, 'valid'],
  ['5x3 stride [2, 1], uneven padding', [9, 8, 2], [5, 3, 3], [2, 1], [2, 1, 0, 2]],
  ['the filter as large as the image', [5, 5, 2], [5, 5, 3], 1, 'valid'],
];

interface Derivatives {
  input: Float32Array;
  filter: Float32Array;
}

async function derivatives(
  engine: 'wasm' | 'cpu',
  [, input, filter, stride, padding]: Geometry,
): Promise<Derivatives> {
  await useEngine({ prefer: engine });
  return tidy(() => {
    const explicit = Array.isArray(padding);
    const pad = explicit
      ? [
          [0, 0],
          [padding[0], padding[1]],
          [padding[2], padding[3]],
          [0, 0],
        ]
      : padding;
    const convolve = (x: Tensor, w: Tensor) => {
      const z = conv2d(
        x as Tensor4D,
        w as Tensor4D,
        stride,
        pad as 'same',
        'NHWC',
        1,
        explicit ? 'floor' : undefined,
      );
      return mul(z, randomNormal(z.shape, 0, 1, 'float32', 3));
    };
    const x = randomNormal([3, ...input], 0, 1, 'float32', 1);
    const w = randomNormal([filter[0], filter[1], input[2], filter[2]], 0, 1, 'float32', 2);
    const [byInput, byFilter] = grads(convolve)([x, w]) as [Tensor, Tensor];
    expect(byInput.shape).toEqual(x.shape);
    expect(byFilter.shape).toEqual(w.shape);
    return {
      input: byInput.dataSync() as Float32Array,
      filter: byFilter.dataSync() as Float32Array,
    } as never;
  });
}

/** The largest difference, relative to the largest entry. */
function difference(found: Float32Array, expected: Float32Array): number {
  let largest = 0;
  let scale = 0;
  expected.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(found[i]! - value));
    scale = Math.max(scale, Math.abs(value));
  });
  expect(scale).toBeGreaterThan(0.1);
  return largest / scale;
}

afterAll(async () => {
  await useEngine();
});

test.each(geometries)('%s', async (...geometry) => {
  const expected = await derivatives('cpu', geometry);
  const found = await derivatives('wasm', geometry);
  expect(difference(found.input, expected.input)).toBeLessThan(1e-6);
  expect(difference(found.filter, expected.filter)).toBeLessThan(1e-6);
});

test('a depthwise convolution may leave its dilations null, as tfjs-layers does', () => {
  tidy(() => {
    const x = randomNormal([1, 5, 6, 2], 0, 1, 'float32', 1) as Tensor4D;
    const filter = randomNormal([3, 3, 2, 1], 0, 1, 'float32', 2) as Tensor4D;
    const found = depthwiseConv2d(x, filter, 2, 'same', 'NHWC', null as never);
    expect(found.arraySync()).toEqual(depthwiseConv2d(x, filter, 2, 'same').arraySync());
  });
});
