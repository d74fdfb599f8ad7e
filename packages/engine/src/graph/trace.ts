import {
  engine,
  type NamedTensorMap,
  type Scalar,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import { isTaping } from '../without-gradient.ts';
import type { TensorFlowBackend } from './binding.ts';
import { fuse } from './fusions/fuse.ts';
import { GraphBuilder, type Value } from './graph-builder.ts';
import { recordLoop } from './loop.ts';
import type { NodeDef } from './node-def.ts';
import { NotCompilableError } from './not-compilable-error.ts';
import { hasOwnOps } from './own-ops.ts';
import { Recorder } from './recorder.ts';
import { onTraceBackend, type TraceBackend } from './trace-backend.ts';
import { type Feed, type ResidentVariables, TraceInputs } from './trace-inputs.ts';
import { recordOutputs, type TraceOutputs } from './trace-outputs.ts';

/** A function recorded for one signature. */
export interface Trace extends TraceOutputs {
  readonly name: string;
  readonly nodes: readonly NodeDef[];
  readonly feeds: readonly { readonly name: string; readonly feed: Feed }[];
}

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
  const { binding } = engine().backend as unknown as TensorFlowBackend;
  const recorder = new Recorder(graph, binding);
  const inputs = new TraceInputs(graph, resident);
  const capture = (variable: Variable) => inputs.variable(variable);
  return onTraceBackend(recorder, capture, (backend, assigned) => {
    active = { recorder, backend };
    try {
      let found: TraceOutputs | undefined;
      // The stand-ins too: a scope of the caller's would dispose of them once they no longer count.
      tidy(() => {
        const stands = inputs.standIns(args, (value) => backend.tensor(value));
        const returned = fn(...(stands as never[]));
        const results = { returned, assigned: assigned() };
        found = recordOutputs(graph, backend, inputs, resident, results);
      });
      fuse(graph.nodes, graph.values, hasOwnOps(binding));
      return { name, nodes: graph.nodes, feeds: inputs.feeds, ...found! };
    } finally {
      active = undefined;
    }
  });
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
