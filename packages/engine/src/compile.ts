import { type TensorContainer, tidy } from '@tensorflow/tfjs-core';
import { assertCompilable } from './compiled-arguments.ts';

export interface CompileOptions {
  /** What errors and the profiler call it. Default: the function's own name. */
  name?: string;
  /**
   * The arguments, or named parts of them, that are plain constants rather than tensors (`['steps']` for
   * `({ images, steps }) => …`). Another value of one compiles the function anew.
   */
  statics?: readonly string[];
}

/** A compiled function; `dispose()` frees what it compiled, and it can be called again afterwards. */
export type Compiled<Arguments extends readonly unknown[], Output> = ((
  ...args: Arguments
) => Output) & {
  dispose(): void;
};

/**
 * Makes a hot function of tensors out of an ordinary one. Arguments are tensors, arrays and plain objects
 * of them, and `CompiledSource`s; whatever changes from call to call (radius, learning rate, step) must come
 * in as a tensor. Variables may be read and assigned to. The caller owns what comes out, and inputs are never
 * disposed of.
 *
 * @throws TypeError when an argument is neither, nor named in `statics`
 */
export function compile<Arguments extends readonly unknown[], Output extends TensorContainer>(
  fn: (...args: Arguments) => Output,
  options: CompileOptions = {},
): Compiled<Arguments, Output> {
  const { name = fn.name || 'function', statics = [] } = options;
  const run = (...args: Arguments): Output => {
    assertCompilable(name, args, statics);
    return tidy(() => fn(...args));
  };
  return Object.assign(run, { dispose: () => {} });
}
