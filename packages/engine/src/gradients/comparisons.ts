import { cast, zerosLike } from '@tensorflow/tfjs-core';
import type { Gradient, Gradients } from './gradient.ts';

/** A comparison is constant almost everywhere. */
const constantIn = (...inputs: string[]): Gradient => ({
  save: inputs,
  gradient: (_dy, saved) =>
    Object.fromEntries(
      inputs.map((input, i) => [input, () => cast(zerosLike(saved[i]!), 'float32')]),
    ),
});

export const comparisons: Gradients = {
  Greater: constantIn('a', 'b'),
  GreaterEqual: constantIn('a', 'b'),
  Less: constantIn('a', 'b'),
  LessEqual: constantIn('a', 'b'),
  Equal: constantIn('a', 'b'),
  NotEqual: constantIn('a', 'b'),
  LogicalAnd: constantIn('a', 'b'),
  LogicalOr: constantIn('a', 'b'),
  LogicalNot: constantIn('x'),
};
