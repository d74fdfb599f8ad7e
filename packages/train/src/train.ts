import { join } from 'node:path';
import type { TrainableClassifier } from '@llr/core';
import { saveModel } from '@llr/models';
import { getBackend, version_core } from '@tensorflow/tfjs-core';
import { callEach, type TrainCallback } from './callbacks.ts';
import { type Experiment, warningsAbout } from './experiment.ts';
import { optimizerName } from './optimizers/optimizer-of.ts';
import {
  type MetricsLine,
  type RunRecord,
  runFiles,
  startRun,
  writeJson,
} from './run-directory.ts';
import { type RunSource, runSource } from './run-source.ts';
import { assertFits, dataOf, splitTraining } from './training-data.ts';
import { trainingLoop } from './training-loop.ts';
import { version } from './version.ts';

export interface TrainRunOptions {
  /** The run's folder. Default `runs/<experiment>/<variant>`. */
  directory?: string;
  /** What the run's record names as the engine. Default: the tfjs backend in force. */
  engine?: string;
  /** What the run's record says of where it comes from. Default: the commit of the working directory. */
  source?: RunSource;
  /** Called after each step, as a callback's. */
  onStep?: TrainCallback['onStep'];
  /** Told of what happens, in this order. */
  callbacks?: readonly TrainCallback[];
}

export interface TrainResult {
  model: TrainableClassifier;
  history: readonly MetricsLine[];
  run: RunRecord;
  directory: string;
}

/**
 * Trains one network of an experiment and leaves it in its folder: `run.json`, `metrics.jsonl` and
 * `model/`. The record and the network are written only when training has finished.
 *
 * @param variant - which of `experiment.variants`
 * @returns the network, which the caller owns, and its training curves
 * @throws when the variant is unknown, the data can't be had, the model doesn't fit it, or the objective
 *   becomes NaN or infinite
 */
export async function train(
  experiment: Experiment,
  variant: string,
  options: TrainRunOptions = {},
): Promise<TrainResult> {
  assertVariant(experiment, variant);
  for (const warning of warningsAbout(experiment)) console.warn(warning);
  const { directory = join('runs', experiment.name, variant), onStep, callbacks = [] } = options;
  const seed = experiment.seed ?? 0;
  const source = options.source ?? (await runSource());
  const data = dataOf(experiment);
  const { training, validation } = splitTraining(await data.open('train'), experiment.train);
  const { inputShape, classNames } = training;
  const model = experiment.model({ inputShape, numClasses: classNames.length, seed });
  assertFits(model, training);
  const log = await startRun(directory);
  const told = callEach(onStep ? [{ onStep }, ...callbacks] : callbacks);
  const history: MetricsLine[] = [];
  const record = async (line: MetricsLine) => {
    history.push(line);
    await log(line);
    await told.onMetrics(line);
  };
  const started = performance.now();
  try {
    const steps = experiment.train.epochs * Math.floor(training.size / experiment.train.batchSize);
    await told.onStart({ directory, step: 0, steps });
    const { onStep } = told;
    await trainingLoop({ experiment, variant, model, training, validation, record, onStep });
  } finally {
    await told.onEnd();
  }
  const run = recordOf(experiment, variant, {
    data: typeof experiment.data === 'string' ? experiment.data : data.name,
    model,
    examples: training.size,
    engine: options.engine ?? getBackend(),
    source,
    seconds: (performance.now() - started) / 1000,
  });
  await saveModel(model, join(directory, runFiles.model));
  await writeJson(join(directory, runFiles.run), run);
  return { model, history, run, directory };
}

function recordOf(
  { name, seed = 0, threat, train: recipe, variants }: Experiment,
  variant: string,
  found: Pick<RunRecord, 'data' | 'engine' | 'source' | 'seconds'> & {
    model: TrainableClassifier;
    examples: number;
  },
): RunRecord {
  const { model, examples, ...rest } = found;
  const { epochs, batchSize, learningRate } = recipe;
  return {
    format: 1,
    experiment: name,
    variant,
    regularizers: (variants[variant]?.regularizers ?? []).map((regularizer) => ({
      name: regularizer.name,
      ...(regularizer.settings && { settings: regularizer.settings }),
    })),
    seed,
    model: model.name,
    parameters: model.parameters.reduce((sum, { variable }) => sum + variable.size, 0),
    threat,
    train: {
      epochs,
      batchSize,
      examples,
      optimizer: optimizerName(recipe.optimizer ?? 'sgd'),
      learningRate: typeof learningRate === 'number' ? learningRate : 'schedule',
      weightDecay: recipe.weightDecay ?? 0,
      epsilonRamp: recipe.epsilonRamp ?? 0,
      augment: recipe.augment ?? false,
    },
    llr: version,
    tfjs: version_core,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    ...rest,
  };
}

function assertVariant({ name, variants }: Experiment, variant: string): void {
  if (variant in variants) return;
  throw new Error(
    `The experiment ${name} has no network "${variant}". It has: ${Object.keys(variants).join(', ')}.`,
  );
}
