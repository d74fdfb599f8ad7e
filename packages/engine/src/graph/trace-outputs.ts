import { Tensor, type Variable } from '@tensorflow/tfjs-core';
import { withLeaves } from '../compiled-arguments.ts';
import type { GraphBuilder, Value } from './graph-builder.ts';
import { attribute } from './node-def.ts';
import { NotCompilableError } from './not-compilable-error.ts';
import type { TraceBackend } from './trace-backend.ts';
import type { ResidentVariables, TraceInputs } from './trace-inputs.ts';

/** What goes out of a graph. */
export interface TraceOutputs {
  /** The nodes to fetch: first the function's tensors, then the values of the variables assigned to. */
  readonly fetches: readonly string[];
  /** What the function returns, with the number of the fetch in place of each tensor. */
  readonly output: unknown;
  /** How many of the fetches belong to it. */
  readonly outputs: number;
  /** The variables, outside of the session, that take on what is fetched after. */
  readonly assigned: readonly Variable[];
}

/** Records what a function returned and assigned to. */
export function recordOutputs(
  graph: GraphBuilder,
  backend: TraceBackend,
  { reads }: TraceInputs,
  resident: ResidentVariables,
  found: { returned: unknown; assigned: readonly Variable[] },
): TraceOutputs {
  const fetches: string[] = [];
  const fetch = (tensor: Tensor): number => {
    const value = backend.valueOf(tensor);
    const type = { T: attribute.type(value.dtype) };
    const name = `output_${fetches.length}`;
    const [made] = graph.add('Identity', [value], type, [value], { name });
    fetches.push(made!.reference);
    return fetches.length - 1;
  };
  const output = withLeaves([found.returned], ({ value, path }) => {
    if (value instanceof Tensor) return fetch(value);
    if (value === undefined) return undefined;
    throw new NotCompilableError(
      `it returns something other than a tensor (${path.replace('argument 1', 'result')}: ${typeof value}), which would be the same in every call.`,
    );
  })[0];
  const outputs = fetches.length;
  const assigned = found.assigned.filter((variable) => !resident.has(variable));
  for (const variable of assigned) fetch(variable);
  const writes = found.assigned
    .filter((variable) => resident.has(variable))
    .map((variable) => {
      const { handle } = resident.get(variable)!;
      return assignVariable(graph, handle, backend.valueOf(variable), reads.get(variable));
    });
  if (writes.length > 0) fetches.push(after(graph, writes));
  return { fetches, output, outputs, assigned };
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
