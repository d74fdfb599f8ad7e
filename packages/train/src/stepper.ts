import type { NotCompilableError } from '@llr/engine';
import { assertUniqueNames, type NamedVariable } from './named-variable.ts';
import { parallelStep } from './parallel/parallel-step.ts';
import { alone } from './parallel/world.ts';
import { type StageTimes, stageTimes } from './stage-times.ts';
import { disposeSearched, StagedStep } from './staged-step.ts';
import {
  accumulatorOf,
  assertSynchronous,
  type SearchedByPlace,
  stepFunctions,
} from './step-functions.ts';
import { assertInput, type StepInput, type StepMetrics, type StepSetup } from './train-step.ts';

export interface StepperOptions {
  /** Whether steps are compiled where the engine has graphs. Default true. */
  compiled?: boolean;
  /**
   * Told once of each stage of a step that can't be compiled and runs eagerly instead: of which regulariser, and why.
   * Default: a warning on the console.
   */
  onEager?: (reason: NotCompilableError) => void;
}

/** Makes steps of training over one state: parameters, running statistics, the optimiser's and the averages'. */
export interface Stepper {
  /**
   * One step, as `trainStep`. What it moves may live in the engine's session: reading the variables is then an
   * error until `read()`.
   *
   * @throws as `trainStep`
   */
  step(input: StepInput): StepMetrics;
  /**
   * The same, waiting for the searches that are asynchronous, if any are, and for the other processes of the setup's
   * world. Until it settles another step is an error, and
   * the batch is not to be disposed of.
   */
  stepAsync(input: StepInput): Promise<StepMetrics>;
  /**
   * Measures how long the stages of such a step take in this process, by steps that are taken back: the state is afterwards what it was,
   * to the bit.
   */
  stageTimes(input: StepInput, options?: { repeats?: number }): Promise<StageTimes>;
  /**
   * Everything that steps change, by names that no two have in common: parameters and running statistics by their own,
   * the optimiser's state under `optimizer/`, averages under `average/`. Call `read()` before reading them, `write()`
   * after assigning to them.
   */
  readonly state: readonly NamedVariable[];
  /** Brings the variables up to date: before a validation, or saving. */
  read(): void;
  /** Takes over the variables, after they were changed by something other than a step. */
  write(): void;
  /**
   * Runs a function while the network's parameters, brought up to date, are their moving averages, where there are any;
   * afterwards they are what they were, to the bit. A step meanwhile is an error.
   */
  withAverages<T>(fn: () => Promise<T>): Promise<T>;
  /** Brings the variables up to date and frees what was compiled; what the setup is made of stays the caller's. */
  dispose(): void;
}

/**
 * Compiles whole steps of training: the nominal pass, searches, penalties, gradients, the optimiser and the running
 * statistics become one graph for each size of batch, in whose session the state lives; where batches are split, one
 * for each size of micro-batch, which adds to sums living there, and one that moves the parameters by them. On engines
 * without graphs steps run eagerly, with the same results.
 *
 * What can't be compiled, because it reads values, runs eagerly from then on, and as much of the rest as can be told
 * apart stays compiled. A search alone runs before the rest, which takes what it found; so does one that is
 * asynchronous. A penalty has the gradients and the optimiser run eagerly too, and searches compiled. A network, a
 * loss or an optimiser that can't be compiled leaves nothing that is.
 *
 * @throws when two of the state's arrays have the same name; when a regulariser has both `search` and `searchAsync`
 */
export function createStepper(setup: StepSetup, options: StepperOptions = {}): Stepper {
  const { compiled = true, onEager = warn } = options;
  assertOneSearch(setup);
  const state = stateOf(setup);
  const accumulator = accumulatorOf(setup);
  const eager = stepFunctions(setup, accumulator);
  const resident = [...state, ...(accumulator?.state ?? [])];
  const staged = new StagedStep({ setup, eager, resident, compiled, onEager });
  const isAsync = setup.regularizers.some(({ searchAsync }) => searchAsync !== undefined);
  /** What something is doing with the state that a step would disturb. */
  let busy: string | undefined;
  const assertFree = () => {
    if (busy) throw new Error(busy);
  };
  const during = async <T>(what: string, fn: () => Promise<T>): Promise<T> => {
    assertFree();
    busy = what;
    try {
      return await fn();
    } finally {
      busy = undefined;
    }
  };
  const { world = alone } = setup;
  const isShared = world.size > 1;
  /** This process's share of a step, of which nothing moves yet. */
  const contribute = async (input: StepInput) => {
    assertInput(setup, input);
    const searched = isAsync ? await staged.searchAsync(input) : [];
    try {
      return staged.contribute(input, searched);
    } finally {
      disposeSearched(searched);
    }
  };
  const sharedStep = (input: StepInput) =>
    parallelStep(world, {
      contribute: () => contribute(input),
      apply: (reduced) => staged.applyReduced(input, reduced),
      clear: () => staged.clear(),
    });
  const stepOf = async (input: StepInput, found?: readonly SearchedByPlace[]) => {
    if (!isAsync || found) return staged.step(input, found);
    const searched = await staged.searchAsync(input);
    try {
      return staged.step(input, searched);
    } finally {
      disposeSearched(searched);
    }
  };
  return {
    step: (input) => {
      assertFree();
      if (isShared) throw new Error('Several processes take this step: use stepAsync().');
      assertSynchronous(setup.regularizers);
      return staged.step(input);
    },
    stepAsync: (input) =>
      during(stepUnderWay, async () => {
        if (isShared) return sharedStep(input);
        assertInput(setup, input);
        return stepOf(input);
      }),
    stageTimes: (input, { repeats = 3 } = {}) =>
      during(stepUnderWay, () =>
        stageTimes({ staged, step: stepOf, setup, state }, input, repeats),
      ),
    state,
    read: () => staged.read(),
    write: () => staged.write(),
    withAverages: async (fn) => {
      assertFree();
      staged.read();
      const { averages } = setup;
      if (!averages) return fn();
      const what = 'The parameters are their averages now: wait until they are back.';
      return during(what, () => averages.during(fn));
    },
    dispose: () => {
      staged.dispose();
      accumulator?.dispose();
    },
  };
}

const stepUnderWay = 'A step is under way: wait for it before the next.';

function assertOneSearch({ regularizers }: StepSetup): void {
  for (const { name, search, searchAsync } of regularizers) {
    if (!search || !searchAsync) continue;
    throw new Error(
      `The regulariser ${name} has both search and searchAsync. Leave out search where it has to wait, searchAsync where it doesn't.`,
    );
  }
}

function stateOf({ classifier, optimizer, averages }: StepSetup): NamedVariable[] {
  const { parameters, runningStatistics = [] } = classifier;
  const state = [
    ...parameters,
    ...runningStatistics,
    ...optimizer.state,
    ...(averages?.state ?? []),
  ].map(({ name, variable }) => ({ name, variable }));
  assertUniqueNames(state);
  return state;
}

const warn = ({ message }: NotCompilableError) => console.warn(message);
