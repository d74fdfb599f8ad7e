import { evaluate } from '@llr/attacks';
import type { Batch, ImageSource, TrainableClassifier } from '@llr/core';
import { subset } from '@llr/datasets';
import { dispose, getBackend, memory } from '@tensorflow/tfjs-core';
import type { Experiment } from './experiment.ts';
import { experimentStepper, variantOf } from './experiment-stepper.ts';
import { prefetch } from './prefetch.ts';
import { linearRamp } from './schedules.ts';
import type { StageTimes } from './stage-times.ts';
import type { Stepper } from './stepper.ts';
import { threatModel } from './threat.ts';
import type { StepInput } from './train-step.ts';
import { assertFits, dataOf, splitTraining } from './training-data.ts';

/** An evaluation's own batch size. */
const validationBatch = 64;

export interface PlanOptions {
  /** Steps to measure, at least 2: the first, which compiles, is counted apart. Default 5. */
  steps?: number;
  /** What the plan names as the engine. Default: the tfjs backend in force. */
  engine?: string;
  /** Whether to measure the stages of a step too, which takes about seven steps more. Default true. */
  stages?: boolean;
}

/** What a training will take on this machine, by what a few of its steps took. Times are in seconds of wall time. */
export interface TrainingPlan {
  variant: string;
  engine: string;
  parameters: number;
  epochs: number;
  stepsPerEpoch: number;
  steps: number;
  measured: {
    /** Steps that were run. */
    steps: number;
    /** The first, in which graphs are made. */
    firstStep: number;
    /** The median of the others. */
    step: number;
    /** The median wait for a batch while the one before was worked on. */
    data: number;
    /** The stages of a step like the last one, by other steps than those above: where the time goes. */
    stages?: StageTimes;
    /** One validation, predicted from one on a few held-out images; none where there is no validation. */
    validation?: number;
  };
  /** For the whole run. */
  predicted: {
    steps: number;
    data: number;
    validation: number;
    seconds: number;
    /** The most memory that the process has held, resident, up to here: a training goes on as it began. Not a GPU's own. */
    peakBytes: number;
  };
  /** What tensors held between steps: parameters, the state of the optimiser and of averages, a batch. */
  tensorBytes: number;
  /** How the figures were got, for people. */
  notes: readonly string[];
}

/**
 * Measures a few real steps of a training, on its own data from its beginning, and predicts what all of it will take.
 * Nothing is written, and what was trained is thrown away.
 *
 * @throws as `train` does before it begins; RangeError for fewer than 2 steps
 */
export async function planTraining(
  experiment: Experiment,
  variant: string,
  { steps = 5, engine = getBackend(), stages = true }: PlanOptions = {},
): Promise<TrainingPlan> {
  if (!Number.isInteger(steps) || steps < 2) {
    throw new RangeError(`A plan measures 2 steps or more, not ${steps}.`);
  }
  variantOf(experiment, variant);
  const { epochs, batchSize } = experiment.train;
  const source = await dataOf(experiment).open('train');
  const { training, validation } = splitTraining(source, experiment.train);
  const { inputShape, classNames } = training;
  const seed = experiment.seed ?? 0;
  const model = experiment.model({ inputShape, numClasses: classNames.length, seed });
  assertFits(model, training);
  const stepsPerEpoch = Math.floor(training.size / batchSize);
  const total = epochs * stepsPerEpoch;
  const stepper = experimentStepper(experiment, variant, model);
  try {
    const took = await measureSteps(experiment, stepper, training, Math.min(steps, total));
    const tensorBytes = memory().numBytes;
    const ofValidation =
      validation && (await measureValidation(experiment, model, stepper, validation));
    const step = median(took.steps.slice(1));
    const data = median(took.waits.slice(1));
    const [firstStep] = took.steps;
    const validations = validation ? validationsIn(experiment) : 0;
    // Node counts it in KiB. Before the stages, whose measuring takes memory of its own.
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    const stageTimes = stages
      ? await measureStages(experiment, stepper, training, took.steps.length)
      : undefined;
    const predicted = {
      steps: firstStep! + (total - 1) * step,
      data: total * data,
      validation: validations * (ofValidation ?? 0),
    };
    return {
      variant,
      engine,
      parameters: model.parameters.reduce((sum, { variable }) => sum + variable.size, 0),
      epochs,
      stepsPerEpoch,
      steps: total,
      measured: {
        steps: took.steps.length,
        firstStep: firstStep!,
        step,
        data,
        ...(stageTimes && { stages: stageTimes }),
        ...(ofValidation !== undefined && { validation: ofValidation }),
      },
      predicted: {
        ...predicted,
        seconds: predicted.steps + predicted.data + predicted.validation,
        peakBytes,
      },
      tensorBytes,
      notes: notesOn(took.steps.length, validation, validations, stages),
    };
  } finally {
    stepper.dispose();
    (model as { dispose?(): void }).dispose?.();
  }
}

interface Times {
  steps: number[];
  waits: number[];
}

async function measureSteps(
  experiment: Experiment,
  stepper: Stepper,
  training: ImageSource,
  count: number,
): Promise<Times> {
  const times: Times = { steps: [], waits: [] };
  let before = performance.now();
  const since = () => {
    const now = performance.now();
    const seconds = (now - before) / 1000;
    before = now;
    return seconds;
  };
  for await (const batch of firstBatches(experiment, training, count)) {
    times.waits.push(since());
    try {
      await stepper.stepAsync(inputOf(experiment, training, batch, times.steps.length));
    } finally {
      dispose([batch.images, batch.labels]);
    }
    times.steps.push(since());
  }
  return times;
}

/** The stages of the step after those measured. */
async function measureStages(
  experiment: Experiment,
  stepper: Stepper,
  training: ImageSource,
  step: number,
): Promise<StageTimes> {
  const batches = firstBatches(experiment, training, 1);
  const batch: Batch = (await batches.next()).value;
  try {
    return await stepper.stageTimes(inputOf(experiment, training, batch, step));
  } finally {
    dispose([batch.images, batch.labels]);
    await batches.return(undefined);
  }
}

/** What training would give to a step. */
function inputOf(
  { train, threat }: Experiment,
  training: ImageSource,
  batch: Batch,
  step: number,
): StepInput {
  const { epochs, batchSize, learningRate, epsilonRamp = 0 } = train;
  const epoch = step / Math.floor(training.size / batchSize);
  return {
    batch,
    step,
    epoch,
    epsilon: linearRamp(threat.epsilon, epsilonRamp)(epoch, epochs),
    learningRate: typeof learningRate === 'number' ? learningRate : learningRate(epoch, epochs),
  };
}

/** As training asks for them. */
async function* firstBatches(
  { seed = 0, train }: Experiment,
  training: ImageSource,
  count: number,
): AsyncGenerator<Batch> {
  const { batchSize, augment = false } = train;
  let left = count;
  for (let epoch = 0; left > 0; epoch++) {
    for await (const batch of prefetch(training.batches({ batchSize, epoch, seed, augment }))) {
      yield batch;
      left -= 1;
      if (left === 0) break;
    }
  }
}

/** A validation compiles, and then goes through its images: one of one batch and one of two tell how long each takes. */
async function measureValidation(
  experiment: Experiment,
  model: TrainableClassifier,
  stepper: Stepper,
  images: ImageSource,
): Promise<number> {
  stepper.read();
  const threat = threatModel(experiment.threat);
  const seconds = async (size: number) => {
    const started = performance.now();
    await evaluate({
      classifier: model,
      data: size < images.size ? subset(images, { size }) : images,
      attacks: [experiment.train.validation!.attack],
      threat,
      seed: experiment.seed ?? 0,
      selfChecks: false,
    });
    return (performance.now() - started) / 1000;
  };
  try {
    if (images.size <= 2 * validationBatch) return await seconds(images.size);
    const [one, two] = [await seconds(validationBatch), await seconds(2 * validationBatch)];
    const perImage = Math.max(0, two - one) / validationBatch;
    return one + (images.size - validationBatch) * perImage;
  } finally {
    dispose(threat.radius);
  }
}

/** After every so many epochs, and after the last. */
function validationsIn({ train: { epochs, validation } }: Experiment): number {
  return Math.ceil(epochs / (validation?.every ?? 1));
}

function notesOn(
  steps: number,
  validation: ImageSource | undefined,
  validations: number,
  stages: boolean,
): string[] {
  return [
    `${steps} steps were run from the beginning; the first is counted apart, for each of the others the median stands. Waiting for data is what was left to wait for after each step.`,
    ...(validation
      ? [
          `${validations} validations of ${validation.size} images; one was predicted from smaller ones of the network at its beginning, which an attack breaks sooner than a robust one.`,
        ]
      : []),
    ...(stages ? [stagesNote] : []),
    'Memory is the most that this process has held so far; a GPU’s own is not in it.',
  ];
}

const stagesNote =
  'Stages are told apart by what a step takes without them, the least of 3 measurements each: the search by a step that is given what was found; the nominal pass (forward, to the loss) and the optimiser alone; penalties and gradients are the rest.';

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? 0 : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
