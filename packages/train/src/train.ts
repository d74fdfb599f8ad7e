import { join } from 'node:path';
import type { TrainableClassifier } from '@llr/core';
import { loadWeights, saveModel } from '@llr/models';
import { getBackend, version_core } from '@tensorflow/tfjs-core';
import { beginRun } from './begin-run.ts';
import { callEach, type TrainCallback } from './callbacks.ts';
import { replaceFolder } from './checkpoints/replace-folder.ts';
import { type Experiment, warningsAbout } from './experiment.ts';
import { variantOf } from './experiment-stepper.ts';
import { optimizerName } from './optimizers/optimizer-of.ts';
import { type MetricsLine, type RunRecord, readRun, runFiles, writeJson } from './run-directory.ts';
import { settingsOf } from './run-settings.ts';
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
  /**
   * True goes on from the newest good checkpoint of the folder, to the bit on the same engine; where there is none it
   * begins, and a run that has finished is given back as it is. False begins anew. Left out: begins, unless the folder
   * holds the checkpoints of an unfinished run.
   */
  resume?: boolean;
  /** Stops training after the step at hand, with a checkpoint: see `TrainingStopped`. */
  signal?: AbortSignal;
  /** Called after each step, as a callback's. */
  onStep?: TrainCallback['onStep'];
  /** Told of what happens, in this order, after those of the experiment. */
  callbacks?: readonly TrainCallback[];
}

export interface TrainResult {
  model: TrainableClassifier;
  history: readonly MetricsLine[];
  run: RunRecord;
  directory: string;
}

/**
 * Trains one network of an experiment and leaves it in its folder: `run.json`, `metrics.jsonl`, `model/`, `best/` where
 * there is a validation, and the last `checkpoints/`. The record and the last network are written only when training
 * has finished.
 *
 * @param variant - which of `experiment.variants`
 * @returns the network, which the caller owns, and its training curves
 * @throws when the variant is unknown, the data can't be had, the model doesn't fit it, or the objective
 *   becomes NaN or infinite; when the folder holds an unfinished run, or, going on, one with other settings or none
 *   but damaged checkpoints; when the disk is full, which leaves the last checkpoint as it was
 * @throws TrainingStopped when the signal asked for it
 */
export async function train(
  experiment: Experiment,
  variant: string,
  options: TrainRunOptions = {},
): Promise<TrainResult> {
  variantOf(experiment, variant);
  for (const warning of warningsAbout(experiment)) console.warn(warning);
  const { directory = join('runs', experiment.name, variant), signal } = options;
  const seed = experiment.seed ?? 0;
  const source = options.source ?? (await runSource());
  const data = dataOf(experiment);
  const { training, validation } = splitTraining(await data.open('train'), experiment.train);
  const { inputShape, classNames } = training;
  const model = experiment.model({ inputShape, numClasses: classNames.length, seed });
  assertFits(model, training);
  const settings = settingsOf(experiment, variant, { model, training, validation });
  const engine = options.engine ?? getBackend();
  const begun = await beginRun(directory, settings, engine, options.resume);
  if ('finished' in begun) return { ...(await finishedRun(directory, model)), directory };
  const { metrics, resumed } = begun;
  const told = callEach(callbacksOf(experiment, options));
  const opened = { model, training, validation };
  const run = { settings, directory, metrics, resumed, engine, source, told, signal };
  let record: RunRecord | undefined;
  const finish = async (seconds: number) => {
    record = recordOf(experiment, variant, {
      data: typeof experiment.data === 'string' ? experiment.data : data.name,
      model,
      examples: training.size,
      engine,
      source: resumed?.content.source ?? source,
      seconds,
      settings,
    });
    await replaceFolder(join(directory, runFiles.model), (folder) => saveModel(model, folder));
    await writeJson(join(directory, runFiles.run), record);
  };
  try {
    await trainingLoop({ experiment, variant, ...opened, ...run }, finish);
  } catch (error) {
    // Why training has failed is what counts.
    await Promise.allSettled([told.onEnd()]);
    throw error;
  }
  await told.onEnd();
  // What is given back is what was saved: the averages.
  if (experiment.train.averaging) await loadNetwork(model, directory);
  return { model, history: metrics.lines, run: record!, directory };
}

/** A run that has finished, with its network's weights. */
async function finishedRun(directory: string, model: TrainableClassifier) {
  const { run, metrics } = await readRun(directory);
  await loadNetwork(model, directory);
  return { model, run, history: metrics };
}

const loadNetwork = (model: TrainableClassifier, directory: string) =>
  loadWeights(model, join(directory, runFiles.model, 'model.safetensors'));

function callbacksOf({ train: recipe }: Experiment, { onStep, callbacks = [] }: TrainRunOptions) {
  return [...(recipe.callbacks ?? []), ...(onStep ? [{ onStep }] : []), ...callbacks];
}

function recordOf(
  { name, seed = 0, threat, train: recipe, variants }: Experiment,
  variant: string,
  found: Pick<RunRecord, 'data' | 'engine' | 'source' | 'seconds' | 'settings'> & {
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
