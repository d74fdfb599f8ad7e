import { add, memory, mul, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { compile } from '../src/compile.ts';

test('gives what the function gives, and frees what it made on the way', () => {
  const twicePlus = compile((x: Tensor, y: Tensor) => ({
    sum: add(mul(x, 2), y),
    product: mul(x, y),
  }));
  const x = tensor1d([1, 2]);
  const y = tensor1d([10, 20]);
  const before = memory().numTensors;
  for (let call = 1; call <= 3; call++) {
    const found = twicePlus(x, y);
    expect(Array.from(found.sum.dataSync())).toEqual([12, 24]);
    expect(Array.from(found.product.dataSync())).toEqual([10, 40]);
    expect(memory().numTensors).toBe(before + 2);
    found.sum.dispose();
    found.product.dispose();
  }
  expect([x.isDisposed, y.isDisposed]).toEqual([false, false]);
  x.dispose();
  y.dispose();
});
