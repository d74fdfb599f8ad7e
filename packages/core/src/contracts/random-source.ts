import type { CompiledSource } from '@llr/engine';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * Random numbers as a pure function of (seed, purpose, example): the same call gives the same numbers
 * whatever the batch size, the order, or what was drawn before. Another draw needs another purpose.
 *
 * An argument of compiled functions, bound to its examples before: what they fork and draw from it is then drawn
 * from the source of each call.
 */
export interface RandomSource extends CompiledSource {
  /**
   * An independent source for a purpose, named by words and whole numbers: `random.fork('start', epoch)`.
   * @throws RangeError for a number that isn't whole, below 0 or above 2³² − 1
   */
  fork(...purpose: readonly (string | number)[]): RandomSource;
  /**
   * This source bound to the examples of a batch: row i of what it draws belongs to `indices[i]`.
   *
   * @param purposes - one for each row: that row draws from the source forked by it
   */
  forExamples(
    indices: ArrayLike<number>,
    purposes?: readonly (readonly (string | number)[])[],
  ): RandomSource;
  /**
   * Uniform numbers in [low, high) of 24 random bits each, rounded to float32, of a shape whose first dimension is the batch.
   * @throws when that dimension is not the number of examples the source is bound to
   */
  uniform(shape: readonly number[], low?: number, high?: number): Tensor;
  /**
   * Standard normal numbers, float32, of a shape whose first dimension is the batch.
   * @throws as `uniform`
   */
  normal(shape: readonly number[]): Tensor;
  /**
   * Uniform integers in [0, bound), int32, of a shape whose first dimension is the batch.
   * @throws as `uniform`; and inside a compiled function, which has no use for numbers in JavaScript
   */
  integers(shape: readonly number[], bound: number): Int32Array;
}
