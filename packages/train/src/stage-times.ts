import { dispose, tidy } from '@tensorflow/tfjs-core';
import type { NamedVariable } from './named-variable.ts';
import { disposeSearched, type StagedStep } from './staged-step.ts';
import type { SearchedByPlace } from './step-functions.ts';
import { type StepInput, type StepMetrics, type StepSetup, updateTensors } from './train-step.ts';

/** How long the stages of a training step take, in seconds of wall time: each the least of some measurements. */
export interface StageTimes {
  /** A whole step. */
  step: number;
  /** The unperturbed images through the network, to their loss. */
  nominal: number;
  /** The inner maximisation: by how much a step is longer than one that is given what the searches found. */
  search: number;
  /** Penalties and all gradients for the parameters: what is left of a step. */
  gradients: number;
  /** The optimiser and the averages. */
  optimizer: number;
}

interface Measured {
  staged: StagedStep;
  step: (input: StepInput, found?: readonly SearchedByPlace[]) => Promise<StepMetrics>;
  setup: StepSetup;
  state: readonly NamedVariable[];
}

/**
 * Measures the stages by what a step takes without them, in the form, compiled or eager, in which steps run. The state
 * is put back.
 *
 * @throws RangeError when `repeats` isn't a whole number above 0
 */
export async function stageTimes(
  { staged, step, setup, state }: Measured,
  input: StepInput,
  repeats: number,
): Promise<StageTimes> {
  if (!Number.isInteger(repeats) || repeats < 1) {
    throw new RangeError(`Stages are measured a whole number of times from 1, not ${repeats}.`);
  }
  staged.read();
  const saved = state.map(({ variable }) => variable.clone());
  let found: readonly SearchedByPlace[] = [];
  const searches = setup.regularizers.some((each) => each.search ?? each.searchAsync);
  const update = () => tidy(() => staged.update(updateTensors({ ...input, learningRate: 0 })));
  try {
    found = await staged.searchAll(input);
    // Whole steps last: what is compiled before them has all of a session begin anew.
    const [nominal, rest, whole] = await leastSeconds(
      [
        () => staged.nominal(input),
        () => (searches ? step(input, found) : undefined),
        () => step(input),
      ],
      repeats,
    );
    // Last, since it spoils the optimiser's state.
    const [optimizer] = await leastSeconds([update], repeats);
    const searchless = searches ? Math.min(rest!, whole!) : whole!;
    return {
      step: whole!,
      nominal: nominal!,
      search: whole! - searchless,
      gradients: Math.max(0, searchless - nominal! - optimizer!),
      optimizer: optimizer!,
    };
  } finally {
    staged.read();
    for (const [i, { variable }] of state.entries()) variable.assign(saved[i]!);
    staged.write();
    dispose(saved);
    disposeSearched(found);
  }
}

/** The least time of each, run in turn after a run of each that compiles. */
async function leastSeconds(runs: readonly (() => unknown)[], repeats: number): Promise<number[]> {
  const least = runs.map(() => Number.POSITIVE_INFINITY);
  for (let repeat = 0; repeat <= repeats; repeat++) {
    for (const [i, run] of runs.entries()) {
      const started = performance.now();
      await run();
      if (repeat > 0) least[i] = Math.min(least[i]!, (performance.now() - started) / 1000);
    }
  }
  return least;
}
