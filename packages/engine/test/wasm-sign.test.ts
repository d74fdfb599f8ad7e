import { memory, sign, tensor1d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { useEngine } from '../src/node.ts';

describe.each(['wasm', 'cpu'] as const)('sign on %s', (prefer) => {
  beforeAll(async () => {
    await useEngine({ prefer });
  });

  test('is that of the smallest numbers too, and of infinite ones', () => {
    const sizes = Array.from({ length: 84 }, (_, i) => 10 ** (i - 45)).map(Math.fround);
    const values = [...sizes, Infinity].filter((size) => size > 0);
    const found = sign(tensor1d([...values, ...values.map((value) => -value)])).dataSync();
    expect([...found]).toEqual([...values.map(() => 1), ...values.map(() => -1)]);
  });

  test('is 0 at 0', () => {
    const found = sign(tensor1d([0, -0])).dataSync();
    expect([...found].map((value) => value + 0)).toEqual([0, 0]);
  });

  test('knows whole numbers, and leaves no tensor behind', () => {
    const before = memory().numTensors;
    const whole = tensor1d([3, -7, 0], 'int32');
    const found = sign(whole);
    expect([...found.dataSync()]).toEqual([1, -1, 0]);
    whole.dispose();
    found.dispose();
    expect(memory().numTensors).toBe(before);
  });
});

test('the sign of what is not a number is none, on wasm', async () => {
  await useEngine({ prefer: 'wasm' });
  expect([...sign(tensor1d([Number.NaN, 2])).dataSync()]).toEqual([Number.NaN, 1]);
});
