import { unreadableIndices } from '@llr/core';
import { type NotCompilableError, orEagerly, type Program, program } from '@llr/engine';
import type { NamedTensorMap } from '@tensorflow/tfjs-core';
import { assertUniqueNames, type NamedVariable } from './named-variable.ts';
import {
  runStep,
  type StepInput,
  type StepMetrics,
  type StepSetup,
  type StepTensors,
  stepOn,
  trainStep,
} from './train-step.ts';

export interface StepperOptions {
  /** Whether steps are compiled where the engine has graphs. Default true. */
  compiled?: boolean;
  /** Told when steps can't be compiled, and run eagerly instead, and why. Default: a warning on the console. */
  onEager?: (reason: NotCompilableError) => void;
}

/** Makes steps of training over one state: parameters, running statistics and the optimiser's. */
export interface Stepper {
  /**
   * One step, as `trainStep`. What it moves may live in the engine's session: reading the variables is then an
   * error until `read()`.
   */
  step(input: StepInput): StepMetrics;
  /**
   * Everything that steps change, by names that no two have in common: parameters and running statistics by their own,
   * the optimiser's state under `optimizer/`. Call `read()` before reading them, `write()` after assigning to them.
   */
  readonly state: readonly NamedVariable[];
  /** Brings the variables up to date: before a validation, or saving. */
  read(): void;
  /** Takes over the variables, after they were changed by something other than a step. */
  write(): void;
  /** Brings the variables up to date and frees what was compiled; the network and the optimiser stay the caller's. */
  dispose(): void;
}

type Steps = Program<{ step: (tensors: StepTensors) => NamedTensorMap }>;

/**
 * Compiles whole steps of training: the nominal pass, searches, penalties, gradients, the optimiser and the running
 * statistics become one graph for each size of batch, in whose session the state lives. On engines without
 * graphs steps run eagerly, with the same results; so they do, from then on, where a regulariser, a loss or a
 * network can't be compiled because it reads values.
 */
export function createStepper(setup: StepSetup, options: StepperOptions = {}): Stepper {
  const { compiled = true, onEager = warn } = options;
  const state = stateOf(setup);
  const steps = compiledSteps(setup, state);
  const eagerly = (input: StepInput) => trainStep(setup, input);
  const step = orEagerly(
    (input: StepInput) => runStep(setup, input, steps.functions.step),
    eagerly,
    (reason) => {
      onEager(reason);
      steps.dispose();
    },
  );
  return {
    step: compiled ? step : eagerly,
    state,
    read: () => steps.read(),
    write: () => steps.write(),
    dispose: () => steps.dispose(),
  };
}

function stateOf({ classifier, optimizer }: StepSetup): NamedVariable[] {
  const { parameters, runningStatistics = [] } = classifier;
  const state = [...parameters, ...runningStatistics, ...optimizer.state].map(
    ({ name, variable }) => ({ name, variable }),
  );
  assertUniqueNames(state);
  return state;
}

function compiledSteps(setup: StepSetup, state: readonly NamedVariable[]): Steps {
  return program({
    name: `train ${setup.classifier.name}`,
    state: state.map(({ variable }) => variable),
    functions: {
      step: (tensors: StepTensors) =>
        stepOn(setup, tensors, unreadableIndices(tensors.labels.shape[0])),
    },
  });
}

const warn = ({ message }: NotCompilableError) =>
  console.warn(`Training steps run eagerly, which is slower: ${message}`);
