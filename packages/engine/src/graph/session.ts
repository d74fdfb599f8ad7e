import { engine, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import { leavesOf, withLeaves } from '../compiled-arguments.ts';
import type { TensorFlowBackend } from './binding.ts';
import { GraphBuilder, type Value } from './graph-builder.ts';
import { attribute, dataTypes, type NodeDef, savedModel } from './node-def.ts';
import type { Bytes } from './protobuf.ts';
import { isAway, sendAway } from './resident.ts';
import type { Trace } from './trace.ts';
import type { Feed, ResidentVariables } from './trace-inputs.ts';

/** Hands a SavedModel to TensorFlow; gives the number that the addon knows it by. */
export type LoadGraph = (backend: TensorFlowBackend, model: Bytes) => number;

interface StateNodes {
  nodes: readonly NodeDef[];
  resident: ResidentVariables;
  values: readonly string[];
  /** For each variable, a node that is there once it was written. */
  written: readonly string[];
  reads: readonly string[];
}

/** A TensorFlow session over recorded functions, and the variables that live in it. */
export class Session {
  readonly load: LoadGraph;
  readonly variables: readonly Variable[];
  readonly resident: ResidentVariables;
  readonly #state: StateNodes;
  readonly #traces: Trace[] = [];
  #loaded: { id: number; backend: TensorFlowBackend } | undefined;

  constructor(load: LoadGraph, variables: readonly Variable[]) {
    this.load = load;
    this.variables = variables;
    this.#state = stateNodes(variables);
    this.resident = this.#state.resident;
  }

  /** Adds a recorded function. The state moves over into a session that holds it too. */
  add(trace: Trace): void {
    this.read();
    this.#unload();
    this.#traces.push(trace);
  }

  run(trace: Trace, args: readonly unknown[]): unknown {
    const leaves = leavesOf(args).map(({ value }) => value);
    const drawn: Tensor[] = [];
    const inputs = trace.feeds.map(({ feed }) => fed(feed, leaves, drawn));
    const names = trace.feeds.map(({ name }) => name);
    let found: Tensor[];
    try {
      found = this.#run(inputs, names, trace.fetches);
    } catch (error) {
      throw new Error(`${trace.name}: ${explained(error)}`, { cause: error });
    } finally {
      for (const tensor of drawn) tensor.dispose();
    }
    this.#sendAway();
    return this.#handOut(trace, found);
  }

  /** The variables take on the session's values. */
  read(): void {
    if (!this.#loaded || this.variables.length === 0) return;
    const values = this.#run([], [], this.#state.reads);
    for (const [i, variable] of this.variables.entries()) assign(variable, values[i]!);
  }

  /** The session takes on the values of the variables that have any of their own, and frees those. */
  write(): void {
    if (!this.#loaded) return;
    const { values, written } = this.#state;
    const at = [...this.variables.keys()].filter((i) => !isAway(this.variables[i]!));
    if (at.length === 0) return;
    const done = this.#run(
      at.map((i) => this.variables[i]!),
      at.map((i) => values[i]!),
      at.map((i) => written[i]!),
    );
    for (const tensor of done) tensor.dispose();
    this.#sendAway();
  }

  dispose(): void {
    this.read();
    this.#unload();
    this.#traces.length = 0;
  }

  /** What the variables hold is out of date, or soon will be. */
  #sendAway(): void {
    for (const variable of this.variables) sendAway(variable);
  }

  #handOut({ output, outputs, assigned }: Trace, found: readonly Tensor[]): unknown {
    for (const [i, variable] of assigned.entries()) assign(variable, found[outputs + i]!);
    for (const tensor of found.slice(outputs + assigned.length)) tensor.dispose();
    return withLeaves([output], ({ value }) =>
      value === undefined ? undefined : found[value as number],
    )[0];
  }

  #run(
    inputs: readonly Tensor[],
    inputNames: readonly string[],
    fetches: readonly string[],
  ): Tensor[] {
    const { id, backend } = this.#open();
    const outputs = backend.binding.runSavedModel(
      id,
      backend.getInputTensorIds(inputs),
      inputNames.map((name) => `${name}:0`).join(),
      fetches.map((name) => `${name}:0`).join(),
    );
    return outputs.map((metadata) => backend.createOutputTensor(metadata));
  }

  #open() {
    if (this.#loaded) return this.#loaded;
    const backend = engine().backend as unknown as TensorFlowBackend;
    const nodes = [...this.#state.nodes, ...this.#traces.flatMap((trace) => trace.nodes)];
    this.#loaded = { id: this.load(backend, savedModel(nodes)), backend };
    this.write();
    return this.#loaded;
  }

  #unload(): void {
    this.#loaded?.backend.binding.deleteSavedModel(this.#loaded.id);
    this.#loaded = undefined;
  }
}

/** The addon's message and TensorFlow's, in the order that people read. */
function explained(error: unknown): string {
  const { message } = error as Error;
  const [, reason, node] =
    message.match(/^Session fail to run with error: ([\s\S]*?)\s*\[\[\{\{node (.*?)\}\}\]\]/) ?? [];
  return node ? `TensorFlow stopped at ${node}: ${reason}` : message;
}

function assign(variable: Variable, value: Tensor): void {
  variable.assign(value);
  value.dispose();
}

function fed(feed: Feed, leaves: readonly unknown[], drawn: Tensor[]): Tensor {
  if (feed.from === 'argument') return leaves[feed.leaf] as Tensor;
  if (feed.from === 'variable') return feed.variable;
  const tensor = feed.draw(leaves[feed.leaf] as never);
  drawn.push(tensor);
  return tensor;
}

/** The nodes that hold variables, read them all, and write them all. */
function stateNodes(variables: readonly Variable[]): StateNodes {
  const graph = new GraphBuilder('state');
  const backend = engine().backend as unknown as TensorFlowBackend;
  const resident = new Map<Variable, { handle: Value }>();
  const values: string[] = [];
  const reads: string[] = [];
  const written: string[] = [];
  const done = graph.int32([0], []);
  for (const [i, variable] of variables.entries()) {
    const { shape } = variable;
    const dtype = backend.getDTypeInteger(variable.dtype);
    const type = { dtype: attribute.type(dtype) };
    const [handle] = graph.add(
      'VarHandleOp',
      [],
      { ...type, shape: attribute.shape(shape), shared_name: attribute.string(`${i}`) },
      [{ dtype: dataTypes.resource, shape: [] }],
      { name: `variable_${i}` },
    );
    const value = graph.placeholder(`value_${i}`, dtype, shape);
    graph.add('AssignVariableOp', [handle!, value], type, [], { name: `write_${i}` });
    const [read] = graph.add('ReadVariableOp', [handle!], type, [{ dtype, shape }], {
      name: `read_${i}`,
    });
    resident.set(variable, { handle: handle! });
    values.push(value.reference);
    reads.push(read!.reference);
    const [after] = graph.add('Identity', [done], { T: attribute.type(done.dtype) }, [done], {
      name: `written_${i}`,
      after: [`state/write_${i}`],
    });
    written.push(after!.reference);
  }
  return { nodes: graph.nodes, resident, values, written, reads };
}
