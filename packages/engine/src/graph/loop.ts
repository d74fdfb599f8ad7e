import type { Frame, GraphBuilder, Value } from './graph-builder.ts';
import { attribute, dataTypes } from './node-def.ts';

/**
 * A loop of a fixed count in TensorFlow's dataflow form (Enter, Merge, Switch, NextIteration, Exit).
 *
 * @param body - records one round: from the state and the step, the next state
 * @returns the state after the last round, outside the loop
 */
export function recordLoop(
  graph: GraphBuilder,
  options: { count: number; state: readonly Value[]; parent: Frame | undefined },
  body: (state: readonly Value[], step: Value, frame: Frame) => readonly Value[],
): Value[] {
  const { count, state, parent } = options;
  const name = graph.unique('loop');
  const depth = (parent?.depth ?? 0) + 1;
  const frame: Frame = { name: `${graph.prefix}/${name}`, depth, parent };
  const counter = graph.int32([0], []);
  const merged = [counter, ...state].map((first, i) => {
    const entered = graph.enter(first, frame, false);
    // The node that will carry it to the next round.
    const next = `${name}/next_${i}`;
    const attributes = { T: attribute.type(first.dtype), N: attribute.integer(2) };
    const from = [entered.reference, `${graph.prefix}/${next}`];
    return { first, merge: graph.place('Merge', from, attributes, { ...first, frame }), next };
  });
  const [goesOn] = graph.add(
    'Less',
    [merged[0]!.merge, graph.int32([count], [])],
    { T: attribute.type(dataTypes.int32) },
    [{ dtype: dataTypes.bool, shape: [] }],
  );
  const condition = graph.place('LoopCond', [goesOn!.reference], {}, goesOn!);
  const variables = merged.map(({ first, merge, next }) => {
    const type = { T: attribute.type(first.dtype) };
    const taken = graph.place('Switch', [merge.reference, condition.reference], type, merge);
    const inBody = graph.place('Identity', [`${taken.reference}:1`], type, merge);
    const exit = graph.place('Exit', [taken.reference], type, { ...first, frame: parent });
    return { first, inBody, exit, next };
  });
  const [step, ...current] = variables.map(({ inBody }) => inBody);
  const [counted] = graph.add(
    'AddV2',
    [step!, graph.int32([1], [])],
    { T: attribute.type(dataTypes.int32) },
    [step!],
  );
  const nextState = [counted!, ...body(current, step!, frame)];
  for (const [i, { first, next }] of variables.entries()) {
    const value = graph.inside(nextState[i]!, frame);
    const type = { T: attribute.type(first.dtype) };
    graph.place('NextIteration', [value.reference], type, { ...first, frame }, next);
  }
  return variables.slice(1).map(({ exit }) => exit);
}
