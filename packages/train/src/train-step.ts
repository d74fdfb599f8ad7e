import type {
  Batch,
  PerExampleLoss,
  RandomSource,
  Regularizer,
  TrainableClassifier,
} from '@llr/core';
import { dispose, type NamedTensorMap, scalar, slice, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { microBatchSizes } from './micro-batches.ts';
import type { MovingAverages } from './moving-averages.ts';
import type { WeightOptimizer } from './optimizers/weight-optimizer.ts';
import type { Contribution, Reduced } from './parallel/parallel-step.ts';
import type { World } from './parallel/world.ts';
import {
  mergeStatistics,
  packStatistics,
  type StatisticsPart,
  unpackStatistics,
} from './running-statistics.ts';
import {
  type Accumulation,
  accumulatorOf,
  type PassTensors,
  type SearchedByPlace,
  type StepFunctions,
  stepFunctions,
  type UpdateTensors,
} from './step-functions.ts';
import { assertThreat, type ThreatDescription } from './threat.ts';
import { type Measurement, weightedMeans } from './weighted-means.ts';

/** What stays the same from step to step. */
export interface StepSetup {
  classifier: TrainableClassifier;
  regularizers: readonly Regularizer[];
  optimizer: WeightOptimizer;
  loss: PerExampleLoss;
  random: RandomSource;
  /** Which ball the perturbations are in; its ε comes step by step. Default `'linf'`. */
  norm?: ThreatDescription['norm'];
  /** The most images worked on at once; larger batches are split, and their gradients summed up. Default: all. */
  microBatchSize?: number;
  /** Of the classifier's parameters, taken after each step. */
  averages?: MovingAverages;
  /**
   * Processes that take each step together, every one on its share of the batch, of the same size and with batch
   * statistics of its own, as if they were the micro-batches of one process. Default: this one.
   */
  world?: World;
}

/** What changes. */
export interface StepInput {
  batch: Batch;
  step: number;
  epoch: number;
  epsilon: number;
  learningRate: number;
}

/** The numbers of one step, by name: means over the batch. */
export type StepMetrics = Record<string, number>;

/**
 * One step of training: search for each regulariser's perturbations, differentiate
 * L = w·ℓ(x) + Σ penalties (means over the batch), move the parameters, and update running statistics
 * once from the nominal pass. `createStepper` makes many of them, compiled.
 *
 * With `microBatchSize` the gradients of a batch are summed up from those of its micro-batches before anything moves.
 * Searches, penalties and random numbers are each example's own, so that this is the step of the whole batch, except
 * that batch norm uses each micro-batch's own statistics; the running ones are moved once, by those of all of them.
 *
 * @throws when a regulariser returns something other than a finite `[b]`, naming it; when one searches asynchronously
 */
export function trainStep(setup: StepSetup, input: StepInput): StepMetrics {
  const accumulator = accumulatorOf(setup);
  try {
    return runStep(setup, input, stepFunctions(setup, accumulator));
  } finally {
    accumulator?.dispose();
  }
}

/**
 * Gives the functions of a step their input as tensors, and reads and checks the metrics that they return.
 *
 * @param searched - what was searched for before, for each micro-batch
 */
export function runStep(
  setup: StepSetup,
  input: StepInput,
  functions: Pick<StepFunctions, 'step' | 'accumulation'>,
  searched: readonly SearchedByPlace[] = [],
): StepMetrics {
  const { batch } = input;
  assertInput(setup, input);
  const sizes = sizesOf(setup, input);
  return tidy(() => {
    if (sizes.length > 1)
      return accumulatedStep(setup, input, sizes, functions.accumulation!, searched);
    const tensors = { ...passTensors(setup, input, batch, searched[0]), ...updateTensors(input) };
    const metrics = numbers(functions.step(tensors, batch.indices));
    assertFinite(metrics, input);
    return metrics;
  });
}

/** @throws RangeError for an ε that can't be meant */
export const assertInput = ({ norm = 'linf' }: StepSetup, { epsilon }: StepInput): void =>
  assertThreat({ norm, epsilon });

const sizesOf = ({ microBatchSize }: StepSetup, { batch }: StepInput): number[] =>
  microBatchSizes(batch.indices.length, microBatchSize);

/** The micro-batches of a step as its passes get them; tensors that the caller owns. */
export function passesOf(
  setup: StepSetup,
  input: StepInput,
): { tensors: PassTensors; indices: Int32Array }[] {
  let from = 0;
  return sizesOf(setup, input).map((size) => {
    const part = rows(input.batch, from, size);
    from += size;
    return { tensors: passTensors(setup, input, part), indices: part.indices };
  });
}

/** The metrics are checked before anything moves. */
function accumulatedStep(
  setup: StepSetup,
  input: StepInput,
  sizes: readonly number[],
  accumulation: Accumulation,
  searched: readonly SearchedByPlace[],
): StepMetrics {
  const { apply, clear } = accumulation;
  try {
    const { metrics, statistics } = accumulateAll(setup, input, sizes, accumulation, searched);
    apply(updateTensors(input), statistics);
    return metrics;
  } catch (error) {
    clear();
    throw error;
  }
}

/** Adds the gradients of all micro-batches to the sums, times their share of the batch of all processes. */
function accumulateAll(
  setup: StepSetup,
  input: StepInput,
  sizes: readonly number[],
  { accumulate }: Accumulation,
  searched: readonly SearchedByPlace[],
): { metrics: StepMetrics; statistics: StatisticsPart[] } {
  const statistics: StatisticsPart[] = [];
  const measurements: Measurement[] = [];
  const { length } = input.batch.indices;
  const processes = setup.world?.size ?? 1;
  let from = 0;
  for (const [i, size] of sizes.entries()) {
    const part = rows(input.batch, from, size);
    const { measured, recorded } = accumulate(
      passTensors(setup, input, part, searched[i]),
      scalar(size / (length * processes)),
      part.indices,
    );
    dispose([part.images, part.labels]);
    measurements.push({ metrics: numbers(measured), size });
    if (recorded) statistics.push({ weight: scalar(size / length), recorded });
    from += size;
  }
  const metrics = weightedMeans(measurements);
  assertFinite(metrics, input);
  return { metrics, statistics };
}

/** What this process's share of the batch comes to, all of it in memory. */
export function contributionOf(
  setup: StepSetup,
  input: StepInput,
  accumulation: Accumulation,
  searched: readonly SearchedByPlace[],
): Contribution {
  assertInput(setup, input);
  const sizes = sizesOf(setup, input);
  try {
    const { metrics, statistics } = accumulateAll(setup, input, sizes, accumulation, searched);
    return {
      measured: { metrics, size: input.batch.indices.length },
      gradients: accumulation.sums().dataSync<'float32'>(),
      statistics: packStatistics(statistics.length > 0 ? mergeStatistics(statistics) : {}),
    };
  } catch (error) {
    accumulation.clear();
    throw error;
  }
}

/** Moves the parameters and the running statistics by what the shares of all processes come to. */
export function applyReduced(
  input: StepInput,
  { replace, apply }: Accumulation,
  { gradients, statistics }: Reduced,
): void {
  replace(tensor1d(gradients));
  const merged = { weight: scalar(1), recorded: unpackStatistics(statistics) };
  apply(updateTensors(input), statistics.layers.length > 0 ? [merged] : []);
}

const passTensors = (
  { random }: StepSetup,
  { step, epoch, epsilon }: StepInput,
  { images, labels, indices }: Batch,
  searched?: SearchedByPlace,
): PassTensors => ({
  images,
  labels,
  random: random.fork('step', step).forExamples(indices),
  step: scalar(step),
  epoch: scalar(epoch),
  radius: tensor1d([epsilon]),
  ...(searched && { searched }),
});

export const updateTensors = ({ step, learningRate }: StepInput): UpdateTensors => ({
  step: scalar(step),
  learningRate: scalar(learningRate),
});

const rows = ({ images, labels, indices }: Batch, from: number, size: number): Batch => ({
  images: slice(images, [from, 0, 0, 0], [size, -1, -1, -1]),
  labels: slice(labels, [from], [size]),
  indices: indices.slice(from, from + size),
});

/** Reads scalars, and disposes of them. */
function numbers(measured: NamedTensorMap): StepMetrics {
  const metrics = Object.fromEntries(
    Object.entries(measured).map(([name, value]) => [name, value.dataSync()[0]!]),
  );
  dispose(measured);
  return metrics;
}

function assertFinite(metrics: StepMetrics, { step, epoch }: StepInput): void {
  const broken = Object.keys(metrics).filter((name) => !Number.isFinite(metrics[name]));
  if (broken.length === 0) return;
  const culprit = broken.find((name) => name.startsWith('penalty of ')) ?? broken[0]!;
  throw new Error(
    `Training stopped at step ${step} (epoch ${epoch.toFixed(2)}): the ${culprit} is ${metrics[culprit]}. If the loss was finite before, the regulariser divides by zero somewhere; else lower the learning rate.`,
  );
}
