import type { TensorContainer } from '@tensorflow/tfjs-core';
import { compiledCall } from './compiled-call.ts';
import { graphSupport } from './graph/graphs.ts';
import { Session } from './graph/session.ts';
import { signatureOf } from './graph/signature.ts';
import { type Trace, trace } from './graph/trace.ts';

/** How many graphs a compiled function keeps; the one that wasn't used for longest goes first. */
const maxGraphs = 8;

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
 * Makes a hot function of tensors out of an ordinary one, nested gradients included. On TensorFlow it becomes
 * one graph for each signature (shapes and types of the arguments, values of `statics`), run by one call; on
 * other engines, and inside a gradient, it runs eagerly with the same results.
 *
 * Arguments are tensors, arrays and plain objects of them, and `CompiledSource`s; whatever changes from call to
 * call (radius, learning rate, step) must come in as a tensor. Variables may be read and assigned to: they are
 * fed to the graph, and take on what it assigned. The function must return tensors, may have no side effects
 * but those, and runs once for each signature. The caller owns what comes out; inputs are never disposed of.
 *
 * Compiling takes no more memory than the graph itself: tensors are hollow while the function is recorded. Eight
 * graphs are kept.
 *
 * @throws TypeError when an argument is neither a tensor nor a source, nor named in `statics`
 * @throws NotCompilableError, on TensorFlow, when the function uses another tensor from outside, reads the value
 *   of one, draws random numbers, makes a variable, or returns something else
 */
export function compile<Arguments extends readonly unknown[], Output extends TensorContainer>(
  fn: (...args: Arguments) => Output,
  options: CompileOptions = {},
): Compiled<Arguments, Output> {
  const { name = fn.name || 'function', statics = [] } = options;
  const graphs = new Map<string, { session: Session; trace: Trace }>();
  const graphFor = (args: Arguments) => {
    const signature = signatureOf(args);
    const known = graphs.get(signature);
    graphs.delete(signature);
    const graph = known ?? compiled(name, fn, args);
    graphs.set(signature, graph);
    const [oldest] = graphs;
    if (graphs.size > maxGraphs) {
      oldest![1].session.dispose();
      graphs.delete(oldest![0]);
    }
    return graph;
  };
  const run = compiledCall(name, fn, statics, (args) => {
    const { session, trace } = graphFor(args);
    return session.run(trace, args);
  });
  const dispose = () => {
    for (const { session } of graphs.values()) session.dispose();
    graphs.clear();
  };
  return Object.assign(run, { dispose });
}

function compiled<Arguments extends readonly unknown[]>(
  name: string,
  fn: (...args: Arguments) => unknown,
  args: Arguments,
) {
  const session = new Session(graphSupport()!.load, []);
  const recorded = trace(name, fn as never, args, session.resident);
  session.add(recorded);
  return { session, trace: recorded };
}
