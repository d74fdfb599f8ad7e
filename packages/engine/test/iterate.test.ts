import {
  add,
  memory,
  mul,
  ones,
  scalar,
  square,
  sum,
  type Tensor,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { inputGradient } from '../src/input-gradient.ts';
import { iterate } from '../src/iterate.ts';

const number = (value: number): Tensor => scalar(value);

test('runs the body count times, with the step', () => {
  tidy(() => {
    const { total } = iterate(5, { total: number(10) }, ({ total }, step) => ({
      total: add(total, step),
    }));
    expect(total.dataSync()[0]).toBe(10 + 0 + 1 + 2 + 3 + 4);
  });
});

test('the first state stays the caller’s, also where the body hands it on unchanged for some steps', () => {
  const first = { constant: number(3), late: number(1), moving: number(0) };
  const last = iterate(4, first, ({ constant, late, moving }, step) => ({
    constant,
    late: step.dataSync()[0]! < 2 ? late : add(late, 1),
    moving: add(moving, constant),
  }));
  expect(last.moving.dataSync()[0]).toBe(12);
  expect(last.late.dataSync()[0]).toBe(3);
  for (const tensor of Object.values(last)) tensor.dispose();
  expect(Object.values(first).map((tensor) => tensor.dataSync()[0])).toEqual([3, 1, 0]);
  for (const tensor of Object.values(first)) tensor.dispose();
});

test('no steps give a copy of the first state', () => {
  const first = { x: number(7) };
  const last = iterate(0, first, () => {
    throw new Error('not to be called');
  });
  last.x.dispose();
  expect(first.x.dataSync()[0]).toBe(7);
  first.x.dispose();
});

test('a state may swap its tensors, or hold one twice', () => {
  const first = { a: number(1), b: number(2) };
  const swapped = iterate(3, first, ({ a, b }) => ({ a: b, b: a }));
  expect([swapped.a.dataSync()[0], swapped.b.dataSync()[0]]).toEqual([2, 1]);
  const doubled = iterate(3, first, ({ a }) => {
    const next = add(a, 1);
    return { a: next, b: next };
  });
  expect([doubled.a.dataSync()[0], doubled.b.dataSync()[0]]).toEqual([4, 4]);
});

test('holds at most two states, and leaves the last one only', () => {
  const first = { x: ones([8]), y: ones([8]) };
  const before = memory().numTensors;
  const seen: number[] = [];
  const last = iterate(20, first, ({ x, y }) => {
    seen.push(memory().numTensors);
    return { x: mul(add(x, y), 0.5), y };
  });
  expect(memory().numTensors).toBe(before + 2);
  expect(Math.max(...seen) - before).toBeLessThanOrEqual(2);
  for (const tensor of [...Object.values(last), ...Object.values(first)]) tensor.dispose();
  expect(memory().numTensors).toBe(before - 2);
});

test('a gradient goes through the loop', () => {
  tidy(() => {
    // x^(2³) = x⁸
    const { gradient } = inputGradient(
      (x: Tensor) => ({ value: sum(iterate(3, { y: x }, ({ y }) => ({ y: square(y) })).y) }),
      tensor1d([1.1, 0.5]),
    );
    expect(gradient.dataSync()[0]).toBeCloseTo(8 * 1.1 ** 7, 4);
    expect(gradient.dataSync()[1]).toBeCloseTo(8 * 0.5 ** 7, 5);
  });
});
