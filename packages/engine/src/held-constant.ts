import { engine, type Tensor } from '@tensorflow/tfjs-core';

interface Node {
  saved?: Tensor[];
}

interface Recording {
  gradientDepth: number;
  activeTape: Node[] | null;
}

/** What `heldConstant` has done, to be recorded once the gradients inside are taken. */
interface Held {
  tape: Node[];
  count: number;
}

let current: Held | undefined;

const recording = () => (engine() as unknown as { state: Recording }).state;

/**
 * Runs a function for whose own gradients whatever it computes by `heldConstant` is constant, while for the
 * gradients taken around it everything counts. So one pass gives the input gradient at fixed batch statistics,
 * which the parameters' gradient then goes through.
 *
 * It works by recording: the tape of what is held is put aside until the function is done.
 *
 * @returns what the function returned, and how often it held something
 */
export function holdingConstants<T>(fn: () => T): { result: T; held: number } {
  const before = current;
  const held: Held = { tape: [], count: 0 };
  current = held;
  try {
    return { result: fn(), held: held.count };
  } finally {
    current = before;
    const { gradientDepth, activeTape } = recording();
    // Its order doesn't matter: tapes are sorted before they are walked.
    if (gradientDepth > 0) activeTape!.push(...held.tape);
    else for (const { saved } of held.tape) for (const tensor of saved ?? []) tensor.dispose();
  }
}

/** Computes something that is constant for the gradients inside `holdingConstants`; anywhere else, just computes it. */
export function heldConstant<T>(compute: () => T): T {
  const state = recording();
  if (!current || state.gradientDepth === 0) return compute();
  const { activeTape } = state;
  current.count += 1;
  state.activeTape = current.tape;
  try {
    return compute();
  } finally {
    state.activeTape = activeTape;
  }
}
