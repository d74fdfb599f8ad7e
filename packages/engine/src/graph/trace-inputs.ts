import { type DataType, engine, Tensor, type Variable } from '@tensorflow/tfjs-core';
import { withLeaves } from '../compiled-arguments.ts';
import { type CompiledInput, isCompiledSource } from '../compiled-source.ts';
import type { TensorFlowBackend } from './binding.ts';
import type { GraphBuilder, Value } from './graph-builder.ts';
import { attribute } from './node-def.ts';

/** Where a call finds the tensor that it feeds to a placeholder. */
export type Feed =
  | { readonly from: 'argument'; readonly leaf: number }
  | { readonly from: 'source'; readonly leaf: number; readonly draw: (source: never) => Tensor }
  | { readonly from: 'variable'; readonly variable: Variable };

/** Variables that live in the session: a node of each name holds one. */
export type ResidentVariables = ReadonlyMap<Variable, { readonly handle: Value }>;

/** What comes into a graph: arguments, what is drawn from sources, and variables, fed or read in the session. */
export class TraceInputs {
  readonly feeds: { name: string; feed: Feed }[] = [];
  /** The nodes that read variables of the session. */
  readonly reads = new Map<Variable, string>();
  readonly #graph: GraphBuilder;
  readonly #resident: ResidentVariables;

  constructor(graph: GraphBuilder, resident: ResidentVariables) {
    this.#graph = graph;
    this.#resident = resident;
  }

  /** The value a variable has when the function is called. */
  variable(variable: Variable): Value {
    const { shape, dtype } = variable;
    const home = this.#resident.get(variable);
    if (!home) return this.#placeholder('variable', dtype, shape, { from: 'variable', variable });
    const type = numberOf(dtype);
    const attributes = { dtype: attribute.type(type) };
    const read = [{ dtype: type, shape }];
    const [value] = this.#graph.add('ReadVariableOp', [home.handle], attributes, read);
    this.reads.set(variable, value!.reference);
    return value!;
  }

  /** The arguments with hollow tensors in place of tensors, and stand-ins for sources. */
  standIns(args: readonly unknown[], hollow: (value: Value) => Tensor): unknown[] {
    const input = (dtype: DataType, shape: readonly number[], feed: Feed) =>
      hollow(this.#placeholder('input', dtype, shape, feed));
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

  #placeholder(what: string, dtype: DataType, shape: readonly number[], feed: Feed): Value {
    const name = `${what}_${this.feeds.length}`;
    const value = this.#graph.placeholder(name, numberOf(dtype), shape);
    this.feeds.push({ name: value.reference, feed });
    return value;
  }
}

const numberOf = (dtype: DataType): number =>
  (engine().backend as unknown as TensorFlowBackend).getDTypeInteger(dtype);
