import {
  clone,
  dispose,
  type NamedTensorMap,
  type Scalar,
  scalar,
  tidy,
} from '@tensorflow/tfjs-core';
import { traceLoop } from './graph/trace.ts';

/**
 * Runs `state = body(state, step)` a fixed number of times, holding no more than two states in memory.
 * In a compiled function it may become a loop of the graph, whose body is then run once to record it.
 *
 * @param count - how often
 * @param state - the first state; stays the caller's
 * @param body - makes the next state, of the same shapes, from the current one and the step, an int32
 *   scalar of 0 to count − 1; what it hands on unchanged is neither copied nor disposed of
 * @returns the last state, owned by the caller and sharing no tensor with the first
 */
export function iterate<State extends NamedTensorMap>(
  count: number,
  state: State,
  body: (state: State, step: Scalar) => State,
): State {
  const loop = traceLoop(count, state, body);
  if (loop) return loop;
  const first = new Set(Object.values(state));
  return tidy(() => {
    let current = state;
    for (let step = 0; step < count; step++) {
      const next = tidy(() => body(current, scalar(step, 'int32')));
      const carried = new Set(Object.values(next));
      dispose(
        Object.values(current).filter((tensor) => !carried.has(tensor) && !first.has(tensor)),
      );
      current = next;
    }
    const own = Object.entries(current).map(([name, tensor]) => [
      name,
      first.has(tensor) ? clone(tensor) : tensor,
    ]);
    return Object.fromEntries(own) as State;
  });
}
