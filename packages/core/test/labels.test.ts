import { memory, tensor1d, tensor2d, tensor3d } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertLabels, type Labels } from '../src/index.ts';

describe('assertLabels', () => {
  test('accepts every class, as a tensor or as numbers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.array(fc.nat()), (classes, numbers) => {
        const labels = numbers.map((n) => n % classes);
        assertLabels(labels, classes);
        assertLabels(Int32Array.from(labels), classes);
        if (labels.length > 0) assertLabels(tensor1d(labels, 'int32'), classes);
      }),
    );
  });

  test('accepts softmax rows and one-hot rows of 1000 classes in float32', () => {
    const weights = Array.from({ length: 1000 }, (_, k) => Math.exp(5 * Math.sin(k)));
    const total = weights.reduce((a, b) => a + b);
    const soft = weights.map((w) => w / total);
    assertLabels(tensor2d([soft, soft]), 1000);
    assertLabels([[0, 1, 0], Float32Array.of(0.5, 0.25, 0.25)], 3);
  });

  test.each([-1, 10, 12, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (wrong) => {
    expect(() => assertLabels([0, 9, 4, wrong, 11], 10)).toThrow(RangeError);
    expect(() => assertLabels([0, 9, 4, wrong, 11], 10)).toThrow(
      `Label ${wrong} of example 3 is not a class: 10 classes are numbered 0 to 9.`,
    );
  });

  test('reads a tensor’s values', () => {
    expect(() => assertLabels(tensor1d([0, 12], 'int32'), 10)).toThrow('Label 12 of example 1');
    expect(() => assertLabels(tensor1d([0, Number.NaN]), 10)).toThrow('Label NaN of example 1');
    expect(() => assertLabels(tensor2d([[0.5, 0.5]]), 3)).toThrow('2 entries for 3 classes');
  });

  test.each([
    [[0.5, 0.6, 0], 'sums to 1.1'],
    [[0, 0, 0], 'sums to 0'],
    [[1.5, -0.5, 0], 'gives class 0 the share 1.5'],
    [[0.5, 0.5, Number.NaN], 'gives class 2 the share NaN'],
    [[1, 0], '2 entries for 3 classes'],
  ])('refuses the soft label %j', (wrong, message) => {
    expect(() => assertLabels([[0, 1, 0], wrong], 3)).toThrow(message);
    expect(() => assertLabels([[0, 1, 0], wrong], 3)).toThrow('example 1');
  });

  test('refuses another rank, and leaves no tensor behind', () => {
    const cube = tensor3d([[[1]]]) as unknown as Labels;
    expect(() => assertLabels(cube, 1)).toThrow('[b] or [b, 1]; got [1, 1, 1]');
    const labels = tensor1d([0, 1], 'int32');
    const before = memory().numTensors;
    assertLabels(labels, 2);
    expect(memory().numTensors).toBe(before);
  });
});
