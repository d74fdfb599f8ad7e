import { matMul, randomNormal, tidy } from '@tensorflow/tfjs-core';
import { afterAll, expect, test } from 'vitest';
import { useEngine } from '../src/node.ts';

const normal = (shape: number[], seed: number) => randomNormal(shape, 0, 1, 'float32', seed);

afterAll(async () => {
  await useEngine();
});

/** tfjs's own cpu kernel is the oracle. */
test.each([
  ['2d', [5, 7], [7, 3]],
  ['a batch', [4, 5, 7], [4, 7, 3]],
  ['a batch of one, broadcast', [1, 5, 7], [4, 7, 3]],
  ['a single row', [1, 64], [64, 10]],
  ['large', [64, 128], [128, 32]],
])('%s, transposed or not, equals the cpu product', async (_name, a, b) => {
  const turned = (shape: number[]) => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
  for (const [transposeA, transposeB] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    const product = async (engine: 'wasm' | 'cpu') => {
      await useEngine({ prefer: engine });
      return tidy(() => {
        const left = normal(transposeA ? turned(a) : a, 1);
        const right = normal(transposeB ? turned(b) : b, 2);
        const found = matMul(left, right, transposeA, transposeB);
        return { shape: found.shape, values: found.dataSync() } as never as {
          shape: number[];
          values: Float32Array;
        };
      });
    };
    const expected = await product('cpu');
    const found = await product('wasm');
    expect(found.shape).toEqual(expected.shape);
    found.values.forEach((value, i) => {
      expect(Math.abs(value - expected.values[i]!)).toBeLessThan(1e-4);
    });
  }
});
