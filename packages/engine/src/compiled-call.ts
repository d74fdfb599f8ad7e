import { type TensorContainer, tidy } from '@tensorflow/tfjs-core';
import { assertCompilable } from './compiled-arguments.ts';
import { graphSupport } from './graph/graphs.ts';
import { isTracing } from './graph/trace.ts';
import { isTaping } from './without-gradient.ts';

/**
 * A function with its arguments checked, run as a graph where the engine has them: not inside another function that is
 * being recorded, nor inside a gradient, of which it is then a part.
 */
export const compiledCall =
  <Arguments extends readonly unknown[], Output extends TensorContainer>(
    name: string,
    fn: (...args: Arguments) => Output,
    statics: readonly string[],
    asGraph: (args: Arguments) => unknown,
  ): ((...args: Arguments) => Output) =>
  (...args) => {
    assertCompilable(name, args, statics);
    const eagerly = graphSupport() === undefined || isTracing() || isTaping();
    return eagerly ? tidy(() => fn(...args)) : (asGraph(args) as Output);
  };
