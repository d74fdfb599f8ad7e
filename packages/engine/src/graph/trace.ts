import {
  engine,
  type NamedTensorMap,
  type Scalar,
  Tensor,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import { withLeaves } from '../compiled-arguments.ts';
import { type CompiledInput, isCompiledSource } from '../compiled-source.ts';
import { isTaping } from '../without-gradient.ts';
import type { TensorFlowBackend } from './binding.ts';
import { fuse } from './fusions/fuse.ts';
import { GraphBuilder, type Value } from './graph-builder.ts';
import { recordLoop } from './loop.ts';
import { type Attribute, attribute, type NodeDef } from './node-def.ts';
import { NotCompilableError } from './not-compilable-error.ts';
import { hasOwnOps } from './own-ops.ts';
import { Recorder } from './recorder.ts';
import { onTraceBackend, type TraceBackend } from './trace-backend.ts';

/** Where a call finds the tensor that it feeds to a placeholder. */
export type Feed =
  | { readonly from: 'argument'; readonly leaf: number }
  | { readonly from: 'source'; readonly leaf: number; readonly draw: (source: never) => Tensor }
  | { readonly from: 'variable'; readonly variable: Variable };

/** A function recorded for one signature. */
export interface Trace {
  readonly name: string;
  readonly nodes: readonly NodeDef[];
  readonly feeds: readonly { readonly name: string; readonly feed: Feed }[];
  /** The nodes to fetch: first the function's tensors, then the values of the variables assigned to. */
  readonly fetches: readonly string[];
  /** What the function returns, with the number of the fetch in place of each tensor. */
  readonly output: unknown;
  /** How many of the fetches belong to it. */
  readonly outputs: number;
  readonly assigned: readonly Variable[];
}

/** Variables that live in the session: a node of each name holds one. */
export type ResidentVariables = ReadonlyMap<Variable, { readonly handle: Value }>;

interface ActiveTrace {
  recorder: Recorder;
  backend: TraceBackend;
}

let active: ActiveTrace | undefined;

/** Whether a function is being recorded now. */
export const isTracing = (): boolean => active !== undefined;

/**
 * Records what a function does with tensors like its arguments.
 *
 * @throws NotCompilableError when it does something that a graph can't
 */
export function trace(...recording: Parameters<typeof record>): Trace {
  try {
    return record(...recording);
  } catch (error) {
    if (!(error instanceof NotCompilableError)) throw error;
    const [name] = recording;
    throw new NotCompilableError(`${name} can't be compiled: ${error.message}`, { cause: error });
  }
}

function record(
  name: string,
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  resident: ResidentVariables,
): Trace {
  const graph = new GraphBuilder(name);
  const real = engine().backend as unknown as TensorFlowBackend;
  const recorder = new Recorder(graph, real.binding);
  const feeds: { name: string; feed: Feed }[] = [];
  const reads = new Map<Variable, string>();
  const place = (what: string, dtype: number, shape: readonly number[], feed: Feed): Value => {
    const value = graph.placeholder(`${what}_${feeds.length}`, dtype, shape);
    feeds.push({ name: value.reference, feed });
    return value;
  };
  const capture = (variable: Variable): Value => {
    const dtype = real.getDTypeInteger(variable.dtype);
    const home = resident.get(variable);
    if (!home) return place('variable', dtype, variable.shape, { from: 'variable', variable });
    const value = readVariable(graph, home.handle, dtype, variable.shape);
    reads.set(variable, value.reference);
    return value;
  };
  return onTraceBackend(recorder, capture, (backend, assigned) => {
    const fetches: string[] = [];
    const output = (value: Value) => {
      const type = { T: attribute.type(value.dtype) };
      const [made] = graph.add('Identity', [value], type, [value], {
        name: `output_${fetches.length}`,
      });
      fetches.push(made!.reference);
      return fetches.length - 1;
    };
    const finish = (returned: unknown) => {
      const structure = outputsOf(returned, (tensor) => output(backend.valueOf(tensor)));
      const outputs = fetches.length;
      const changed = assigned();
      const away = changed.filter((variable) => !resident.has(variable));
      for (const variable of away) output(backend.valueOf(variable));
      const home = changed.filter((variable) => resident.has(variable));
      const writes = home.map((variable) =>
        assignVariable(
          graph,
          resident.get(variable)!.handle,
          backend.valueOf(variable),
          reads.get(variable),
        ),
      );
      if (writes.length > 0) fetches.push(after(graph, writes));
      return { output: structure, outputs, assigned: away };
    };
    active = { recorder, backend };
    try {
      let found: ReturnType<typeof finish> | undefined;
      // The stand-ins too: a scope of the caller's would dispose of them once they no longer count.
      tidy(() => {
        const stands = standIns(args, (dtype, shape, feed) =>
          backend.tensor(place('input', real.getDTypeInteger(dtype), shape, feed)),
        );
        found = finish(fn(...(stands as never[])));
      });
      fuse(graph.nodes, graph.values, hasOwnOps(real.binding));
      return { name, nodes: graph.nodes, feeds, fetches, ...found! };
    } finally {
      active = undefined;
    }
  });
}

/** The arguments with hollow tensors in place of tensors, and stand-ins for sources. */
function standIns(
  args: readonly unknown[],
  input: (dtype: Tensor['dtype'], shape: readonly number[], feed: Feed) => Tensor,
): unknown[] {
  return withLeaves(args, ({ value }, leaf) => {
    if (value instanceof Tensor) {
      return input(value.dtype, value.shape, { from: 'argument', leaf });
    }
    if (!isCompiledSource(value)) return value;
    const drawn: CompiledInput = (shape, dtype, draw) =>
      input(dtype, shape, { from: 'source', leaf, draw });
    return value.whileCompiled(drawn);
  });
}

function outputsOf(returned: unknown, fetch: (tensor: Tensor) => number): unknown {
  return withLeaves([returned], ({ value, path }) => {
    if (value instanceof Tensor) return fetch(value);
    if (value === undefined) return undefined;
    throw new NotCompilableError(
      `it returns something other than a tensor (${path.replace('argument 1', 'result')}: ${typeof value}), which would be the same in every call.`,
    );
  })[0];
}

function readVariable(
  graph: GraphBuilder,
  handle: Value,
  dtype: number,
  shape: readonly number[],
): Value {
  const attributes: Record<string, Attribute> = { dtype: attribute.type(dtype) };
  return graph.add('ReadVariableOp', [handle], attributes, [{ dtype, shape }])[0]!;
}

/** After the old value was read, if it is read at all. */
function assignVariable(
  graph: GraphBuilder,
  handle: Value,
  value: Value,
  read: string | undefined,
): string {
  const name = graph.unique('assign');
  const attributes = { dtype: attribute.type(value.dtype) };
  const options = { name, after: read ? [read] : [] };
  graph.add('AssignVariableOp', [handle, value], attributes, [], options);
  return `${graph.prefix}/${name}`;
}

/** A node to fetch that has the others run first. */
function after(graph: GraphBuilder, nodes: readonly string[]): string {
  const done = graph.int32([0], []);
  const type = { T: attribute.type(done.dtype) };
  return graph.add('Identity', [done], type, [done], { name: 'done', after: nodes })[0]!.reference;
}

/** A loop of the graph being recorded, or undefined where none can be: the caller then repeats the body. */
export function traceLoop<State extends NamedTensorMap>(
  count: number,
  state: State,
  body: (state: State, step: Scalar) => State,
): State | undefined {
  // A gradient has to go through each round of the body.
  if (!active || isTaping() || count < 2) return undefined;
  const { recorder, backend } = active;
  const names = Object.keys(state);
  const last = recordLoop(
    recorder.graph,
    {
      count,
      state: names.map((name) => backend.valueOf(state[name]!)),
      parent: recorder.frames.at(-1),
    },
    (values, step, frame) => {
      recorder.frames.push(frame);
      try {
        let next: Value[] = [];
        tidy(() => {
          const current = names.map((name, i) => [name, backend.tensor(values[i]!)]);
          const given = body(Object.fromEntries(current), backend.tensor(step) as Scalar);
          next = names.map((name, i) => sameKind(name, backend.valueOf(given[name]!), values[i]!));
        });
        return next;
      } finally {
        recorder.frames.pop();
      }
    },
  );
  return Object.fromEntries(names.map((name, i) => [name, backend.tensor(last[i]!)])) as State;
}

function sameKind(name: string, next: Value, current: Value): Value {
  if (next.dtype === current.dtype && `${next.shape}` === `${current.shape}`) return next;
  throw new NotCompilableError(
    `the body of iterate changes the shape of ${name} from [${current.shape}] to [${next.shape}], or its type.`,
  );
}
