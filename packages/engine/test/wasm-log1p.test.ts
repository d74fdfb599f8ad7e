import { log1p, memory, tensor1d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientCheck } from '../src/index.ts';
import { useEngine } from '../src/node.ts';

describe.each(['wasm', 'cpu'] as const)('log1p on %s', (prefer) => {
  beforeAll(async () => {
    await useEngine({ prefer });
  });

  test('has full relative precision from 1e-30 to 1e30, and on both sides of 0', () => {
    const sizes = Array.from({ length: 601 }, (_, i) => 10 ** (i / 10 - 30));
    const below = sizes.filter((size) => size < 0.99).map((size) => -size);
    const values = Float32Array.from([...sizes, ...below, 0]);
    const found = log1p(tensor1d(values)).dataSync();
    for (const [i, value] of values.entries()) {
      const wanted = Math.log1p(value);
      expect(Math.abs(found[i]! - wanted), `log1p(${value})`).toBeLessThanOrEqual(
        1e-6 * Math.abs(wanted),
      );
    }
  });

  test('is −∞ at −1 and not a number below', () => {
    expect([...log1p(tensor1d([-1, -2])).dataSync()]).toEqual([-Infinity, Number.NaN]);
  });

  test('is right at first and second order, and leaves no tensor behind', () => {
    const x = tensor1d([-0.6, -0.1, 0.2, 0.9, 3]);
    const before = memory().numTensors;
    const errors = gradientCheck(log1p, x);
    expect(errors.first).toBeLessThan(5e-3);
    expect(errors.second).toBeLessThan(5e-3);
    expect(memory().numTensors).toBe(before);
  });
});
