import { dispose, type NamedTensorMap, tidy } from '@tensorflow/tfjs-core';

/**
 * Runs `state = body(state, step)` a fixed number of times, holding no more than two states in memory.
 *
 * @param count - how often
 * @param state - the first state; stays the caller's
 * @param body - makes the next state from the current one and the step, 0 to count − 1
 * @returns the last state, owned by the caller
 */
export function iterate<State extends NamedTensorMap>(
  count: number,
  state: State,
  body: (state: State, step: number) => State,
): State {
  return tidy(() => {
    let current = state;
    for (let step = 0; step < count; step++) {
      const next = tidy(() => body(current, step));
      const carried = new Set(Object.values(next).map((tensor) => tensor.id));
      if (current !== state) {
        dispose(Object.values(current).filter((tensor) => !carried.has(tensor.id)));
      }
      current = next;
    }
    return current;
  });
}
