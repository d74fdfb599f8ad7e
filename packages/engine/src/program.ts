import type { TensorContainer, Variable } from '@tensorflow/tfjs-core';
import { compiledCall } from './compiled-call.ts';
import { graphSupport } from './graph/graphs.ts';
import { Session } from './graph/session.ts';
import { signatureOf } from './graph/signature.ts';
import { type Trace, trace } from './graph/trace.ts';

// biome-ignore lint/suspicious/noExplicitAny: any arguments, whose types the caller keeps
type Functions = Record<string, (...args: any[]) => TensorContainer>;

export interface ProgramOptions<F extends Functions> {
  /** What errors and the profiler call it. Default `'program'`. */
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
    readonly [Name in keyof F]: (...args: Parameters<F[Name]>) => ReturnType<F[Name]>;
  };
  /** Gives the variables the session's values. Until then theirs are the session's alone, and reading one is an error. */
  read(): void;
  /** Gives the session the values of variables that were assigned to, or read and changed, outside the program. */
  write(): void;
  /** Reads the variables a last time and frees the session; a later call opens another. */
  dispose(): void;
}

/**
 * Compiles functions that share variables living inside one TensorFlow session, so that a call moves only its
 * arguments and results: a training step, an evaluation and the reading of weights, say. Functions are as for
 * `compile`. A new signature is added to the session with the next call, which moves the state once.
 *
 * On engines without graphs the variables themselves are the state, and always have their values.
 */
export function program<F extends Functions>(options: ProgramOptions<F>): Program<F> {
  const { name = 'program', state, functions, statics = [] } = options;
  const traces = new Map<string, Trace>();
  let session: Session | undefined;
  const traceOf = (key: string, fn: F[string], args: readonly unknown[]): [Session, Trace] => {
    session ??= new Session(graphSupport()!.load, state);
    const signature = `${key}\n${signatureOf(args)}`;
    let known = traces.get(signature);
    if (!known) {
      known = trace(`${name}/${key}_${traces.size}`, fn, args, session.resident);
      session.add(known);
      traces.set(signature, known);
    }
    return [session, known];
  };
  const compiled = Object.entries(functions).map(([key, fn]) => {
    const run = compiledCall(`${name}.${key}`, fn, statics, (args) => {
      const [at, recorded] = traceOf(key, fn as F[string], args);
      return at.run(recorded, args);
    });
    return [key, run];
  });
  return {
    functions: Object.fromEntries(compiled) as Program<F>['functions'],
    read: () => session?.read(),
    write: () => session?.write(),
    dispose: () => {
      session?.dispose();
      session = undefined;
      traces.clear();
    },
  };
}
