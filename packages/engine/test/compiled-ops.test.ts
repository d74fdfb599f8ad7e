import { memory, square, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { compile } from '../src/compile.ts';
import { inputGradient } from '../src/input-gradient.ts';
import { cases } from './second-order-cases.ts';

/*
 * Every op in the table of gradients, with its first and second derivatives, compiled and eager: on TensorFlow a
 * graph against the ops one by one, elsewhere the same code twice.
 */
const all = Object.entries(cases)
  .flatMap(([op, uses]) =>
    Object.entries(uses).map(([use, found]) => ({ name: use ? `${op}: ${use}` : op, ...found })),
  )
  .filter(({ refusedByTensorFlow }) => !refusedByTensorFlow);

test.each(all)('$name', ({ f, at }) => {
  const gradientOf = (g: (x: Tensor) => Tensor, x: Tensor) =>
    inputGradient((y: Tensor) => ({ value: g(y) }), x).gradient;
  const derivatives = (x: Tensor) => ({
    value: f(x),
    first: gradientOf(f, x),
    second: gradientOf((y) => sum(square(gradientOf(f, y))), x),
  });
  tidy(() => {
    const x = at();
    const eager = derivatives(x);
    const compiled = compile(derivatives);
    const before = memory().numTensors;
    const found = compiled(x);
    expect(memory().numTensors).toBe(before + 3);
    for (const key of ['value', 'first', 'second'] as const) {
      expect(found[key].shape).toEqual(eager[key].shape);
      expect(found[key].dtype).toBe(eager[key].dtype);
      expect(farthest(found[key], eager[key])).toBeLessThan(1e-5);
    }
    compiled.dispose();
  });
});

/** The largest difference, relative to the largest entry. */
function farthest(found: Tensor, expected: Tensor): number {
  const values = found.dataSync();
  const wanted = expected.dataSync();
  const largest = Math.max(1e-2, ...Array.from(wanted, Math.abs));
  return Math.max(...Array.from(wanted, (value, i) => Math.abs(value - values[i]!))) / largest;
}
