import { type CompiledInput, NotCompilableError } from '@llr/engine';
import type { RandomSource } from './contracts/random-source.ts';

/**
 * What stands in for a random source while a function is compiled: it notes how the function forks it and what it
 * draws, to be drawn in each call from the source given then.
 *
 * @param from - how this one is forked from the source given
 */
export function recordedSource(
  input: CompiledInput,
  from: (source: RandomSource) => RandomSource = (source) => source,
): RandomSource {
  return {
    fork: (...purpose) => {
      for (const word of purpose) assertPurpose(word);
      return recordedSource(input, (source) => from(source).fork(...purpose));
    },
    forExamples: () => {
      throw new NotCompilableError(
        'it binds a random source to examples, whose numbers would be the same in every call. Bind it before, and pass it in.',
      );
    },
    uniform: (shape, low, high) =>
      input(shape, 'float32', (source) => from(source).uniform(shape, low, high)),
    normal: (shape) => input(shape, 'float32', (source) => from(source).normal(shape)),
    integers: () => {
      throw new NotCompilableError(
        'it draws integers in JavaScript, which would be the same in every call. Draw them before, and pass them in.',
      );
    },
    whileCompiled: (inner) => recordedSource(inner, from),
  };
}

/** @throws RangeError for a number that is no purpose to fork a random source by */
export function assertPurpose(word: string | number): void {
  if (typeof word === 'number' && word >>> 0 !== word) {
    throw new RangeError(
      `A random source is forked by names and by whole numbers from 0 to 2³² − 1; got ${word}.`,
    );
  }
}
