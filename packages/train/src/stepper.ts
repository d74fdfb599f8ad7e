import { unreadableIndices } from '@llr/core';
import { type NotCompilableError, orEagerly, type Program, program } from '@llr/engine';
import type { Scalar } from '@tensorflow/tfjs-core';
import { assertUniqueNames, type NamedVariable } from './named-variable.ts';
import {
  accumulatorOf,
  type PassTensors,
  type StepFunctions,
  stepFunctions,
  type UpdateTensors,
} from './step-functions.ts';
import { runStep, type StepInput, type StepMetrics, type StepSetup } from './train-step.ts';

export interface StepperOptions {
  /** Whether steps are compiled where the engine has graphs. Default true. */
  compiled?: boolean;
  /** Told when steps can't be compiled, and run eagerly instead, and why. Default: a warning on the console. */
  onEager?: (reason: NotCompilableError) => void;
}

/** Makes steps of training over one state: parameters, running statistics, the optimiser's and the averages'. */
export interface Stepper {
  /**
   * One step, as `trainStep`. What it moves may live in the engine's session: reading the variables is then an
   * error until `read()`.
   */
  step(input: StepInput): StepMetrics;
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
 * without graphs steps run eagerly, with the same results; so they do, from then on, where a regulariser, a loss or a
 * network can't be compiled because it reads values.
 *
 * @throws when two of the state's arrays have the same name
 */
export function createStepper(setup: StepSetup, options: StepperOptions = {}): Stepper {
  const { compiled = true, onEager = warn } = options;
  const state = stateOf(setup);
  const accumulator = accumulatorOf(setup);
  const eager = stepFunctions(setup, accumulator);
  const resident = [...state, ...(accumulator?.state ?? [])];
  const steps = compiledSteps(`train ${setup.classifier.name}`, eager, resident);
  const eagerly = (input: StepInput) => runStep(setup, input, eager);
  const step = orEagerly(
    (input: StepInput) => runStep(setup, input, steps.functions),
    eagerly,
    (reason) => {
      onEager(reason);
      steps.dispose();
    },
  );
  const run = compiled ? step : eagerly;
  let averaged = false;
  return {
    step: (input) => {
      if (averaged)
        throw new Error('The parameters are their averages now: step when they are back.');
      return run(input);
    },
    state,
    read: () => steps.read(),
    write: () => steps.write(),
    withAverages: async (fn) => {
      if (averaged) throw new Error('The parameters are their averages already.');
      steps.read();
      if (!setup.averages) return fn();
      averaged = true;
      try {
        return await setup.averages.during(fn);
      } finally {
        averaged = false;
      }
    },
    dispose: () => {
      steps.dispose();
      accumulator?.dispose();
    },
  };
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

type Compiled = Pick<Program<never>, 'read' | 'write' | 'dispose'> & { functions: StepFunctions };

/** The same functions compiled. Which examples are in a batch would be a constant of the graph, and is left out. */
function compiledSteps(
  name: string,
  { step, accumulation }: StepFunctions,
  state: readonly NamedVariable[],
): Compiled {
  const indicesOf = ({ labels }: PassTensors) => unreadableIndices(labels.shape[0]);
  const shared = { name, state: state.map(({ variable }) => variable) };
  const whole = (tensors: PassTensors & UpdateTensors) => step(tensors, indicesOf(tensors));
  if (!accumulation) {
    const { functions, ...rest } = program({ ...shared, functions: { step: whole } });
    return { ...rest, functions: { step: (tensors) => functions.step(tensors) } };
  }
  const part = (tensors: PassTensors, weight: Scalar) =>
    accumulation.accumulate(tensors, weight, indicesOf(tensors));
  const { functions, ...rest } = program({
    ...shared,
    functions: {
      step: whole,
      accumulate: part,
      apply: accumulation.apply,
      clear: accumulation.clear,
    },
  });
  return {
    ...rest,
    functions: {
      step: (tensors) => functions.step(tensors),
      accumulation: {
        ...functions,
        accumulate: (tensors, weight) => functions.accumulate(tensors, weight),
      },
    },
  };
}

const warn = ({ message }: NotCompilableError) =>
  console.warn(`Training steps run eagerly, which is slower: ${message}`);
