import type { TensorContainer, Variable } from '@tensorflow/tfjs-core';
import { type Compiled, compile } from './compile.ts';

// biome-ignore lint/suspicious/noExplicitAny: any arguments, whose types the caller keeps
type Functions = Record<string, (...args: any[]) => TensorContainer>;

export interface ProgramOptions<F extends Functions> {
  /** What errors and the profiler call it. */
  name?: string;
  /** The variables that the functions share, and that live in the session while the program does. */
  state: readonly Variable[];
  functions: F;
  /** As for `compile`, for all functions. */
  statics?: readonly string[];
}

/** Compiled functions over one state. */
export interface Program<F extends Functions> {
  readonly functions: {
    readonly [Name in keyof F]: Compiled<Parameters<F[Name]>, ReturnType<F[Name]>>;
  };
  /** Brings the variables up to date with the session's. Until then they are stale. */
  read(): void;
  /** Gives the session the variables' values, after they were changed outside the program's functions. */
  write(): void;
  /** Reads the variables a last time and frees the session. */
  dispose(): void;
}

/**
 * Compiles functions that share variables living inside one session, so that a call moves only its arguments
 * and results: a training step, an evaluation and the reading of weights, say. On engines without graphs the
 * variables themselves are the state and are never stale.
 */
export function program<F extends Functions>(options: ProgramOptions<F>): Program<F> {
  const { name = 'program', functions, statics = [] } = options;
  const compiled = Object.fromEntries(
    Object.entries(functions).map(([key, fn]) => [
      key,
      compile(fn, { name: `${name}.${key}`, statics }),
    ]),
  );
  return {
    functions: compiled as Program<F>['functions'],
    read: () => {},
    write: () => {},
    dispose: () => {
      for (const fn of Object.values(compiled)) fn.dispose();
    },
  };
}
