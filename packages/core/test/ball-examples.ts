import fc from 'fast-check';
import { pixels } from './networks.ts';

/** Images, changes to them and radii, the extremes among them. */
export function ballExamples(extreme: {
  /** Besides those in [−2, 2]. */
  changes: readonly number[];
  radii: readonly number[];
  largestRadius: number;
}) {
  const upTo = (min: number, max: number) =>
    fc.float({ min, max, noNaN: true, noDefaultInfinity: true });
  const pixel = fc.oneof(fc.constantFrom(0, 1), upTo(0, 1));
  const change = fc.oneof(fc.constantFrom(...extreme.changes), upTo(-2, 2));
  const radius = fc.oneof(fc.constantFrom(...extreme.radii), upTo(0, extreme.largestRadius));
  const example = fc.record({
    image: fc.array(pixel, { minLength: pixels, maxLength: pixels }),
    delta: fc.array(change, { minLength: pixels, maxLength: pixels }),
    epsilon: radius,
  });
  return { example, examples: fc.array(example, { minLength: 1, maxLength: 4 }) };
}

export const clip = (x: number, low: number, high: number) => Math.min(high, Math.max(low, x));

/** x + δ − x in float32, of one pixel. */
export const rounding = 1.2e-7;
