import { join } from 'node:path';
import type { TrainableClassifier } from '@llr/core';
import { loadWeights, saveModel } from '@llr/models';
import { getBackend, version_core } from '@tensorflow/tfjs-core';
import { beginRun } from './begin-run.ts';
import { callEach, type TrainCallback } from './callbacks.ts';
import { replaceFolder } from './checkpoints/replace-folder.ts';
import { type Experiment, type TrainOptions, warningsAbout } from './experiment.ts';
import { variantOf } from './experiment-stepper.ts';
import { optimizerName } from './optimizers/optimizer-of.ts';
import { everyone, rank0 } from './parallel/everyone.ts';
import { digestOfFirst } from './parallel/first-images.ts';
import { assertSameEverywhere } from './parallel/same-everywhere.ts';
import { isShared, RankLost } from './parallel/shared-failure.ts';
import { shareState } from './parallel/shared-state.ts';
import { alone, type World } from './parallel/world.ts';
import { type MetricsLine, type RunRecord, readRun, runFiles, writeJson } from './run-directory.ts';
import { settingsOf } from './run-settings.ts';
import { type RunSource, runSource } from './run-source.ts';
import { assertFits, dataOf, splitTraining } from './training-data.ts';
import { trainingLoop } from './training-loop.ts';
import { TrainingStopped } from './training-stopped.ts';
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
  /**
   * Processes that train together, each on its share of every batch: `await joinWorld()`. Rank 0 writes the folder and
   * tells the callbacks. What fails on one of them ends all of them. Default: this one.
   */
  world?: World;
  /** Stops training after the step at hand, with a checkpoint: see `TrainingStopped`. Any rank's stops all. */
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
  const { world = alone } = options;
  try {
    return await trainIn(world, experiment, variant, options);
  } catch (error) {
    // What the others don't know of, they would wait for.
    if (world.size > 1 && !isShared(error) && !(error instanceof TrainingStopped))
      world.abort(messageFrom(world, error as Error));
    throw error;
  }
}

/** One about another rank names that one already. */
const messageFrom = ({ names, rank }: World, error: Error) =>
  error instanceof RankLost ? error.message : `${names[rank]}: ${error.message}`;

async function trainIn(
  world: World,
  experiment: Experiment,
  variant: string,
  options: TrainRunOptions,
): Promise<TrainResult> {
  const leads = world.rank === 0;
  const { directory = join('runs', experiment.name, variant), signal } = options;
  const source = options.source ?? (await runSource());
  const engine = options.engine ?? getBackend();
  const prepared = await preparedIn(world, experiment, variant);
  const { model, training, data, settings, ...opened } = prepared;
  await assertSameEverywhere(world, async () => ({
    experiment: experiment.name,
    networks: Object.keys(experiment.variants).join(', '),
    ...settings,
    'first images': await digestOfFirst(training),
    ...versionsOf(engine),
  }));
  const begun = await beginIn(world, () =>
    beginRun(directory, settings, engine, world.size, options.resume),
  );
  if ('finished' in begun) return { ...(await finishedRun(world, directory, model)), directory };
  const { metrics, resumed } = begun;
  const told = callEach(leads ? callbacksOf(experiment, options) : []);
  const run = { settings, directory, metrics, resumed, engine, source, told, signal, world };
  let record: RunRecord | undefined;
  const finish = async (seconds: number) => {
    record = recordOf(experiment, variant, {
      data: typeof experiment.data === 'string' ? experiment.data : data.name,
      model,
      examples: training.size,
      engine,
      ...(world.size > 1 && { processes: world.size }),
      source: resumed?.content.source ?? source,
      seconds,
      settings,
    });
    await replaceFolder(join(directory, runFiles.model), (folder) => saveModel(model, folder));
    await writeJson(join(directory, runFiles.run), record);
  };
  try {
    await trainingLoop({ experiment, variant, model, training, ...opened, ...run }, finish);
  } catch (error) {
    // Why training has failed is what counts.
    await Promise.allSettled([told.onEnd()]);
    throw error;
  }
  await told.onEnd();
  // What is given back is what was saved: the averages.
  if (experiment.train.averaging) await loadNetwork(world, model, directory);
  const { lines, made } = await rank0(world, () => ({ lines: metrics!.lines, made: record! }));
  return { model, history: lines, run: made, directory };
}

/** What is known before the run's folder is looked at. */
async function preparedIn(world: World, experiment: Experiment, variant: string) {
  let prepared: Awaited<ReturnType<typeof prepare>>;
  await everyone(world, async () => {
    variantOf(experiment, variant);
    assertShares(experiment.train, world);
    if (world.rank === 0) for (const each of warningsAbout(experiment)) console.warn(each);
    prepared = await prepare(experiment, variant);
    return true;
  });
  return prepared!;
}

async function prepare(experiment: Experiment, variant: string) {
  const data = dataOf(experiment);
  const { training, validation } = splitTraining(await data.open('train'), experiment.train);
  const { inputShape, classNames } = training;
  const { seed = 0 } = experiment;
  const model = experiment.model({ inputShape, numClasses: classNames.length, seed });
  assertFits(model, training);
  const settings = settingsOf(experiment, variant, { model, training, validation });
  return { data, training, validation, model, settings };
}

/** The folder is rank 0's to begin; the others are told where training goes on. */
async function beginIn(world: World, begin: () => ReturnType<typeof beginRun>) {
  let own: Awaited<ReturnType<typeof beginRun>> | undefined;
  const known = await rank0(world, async () => {
    own = await begin();
    return 'finished' in own ? { finished: true } : { resumed: own.resumed };
  });
  if ('finished' in known) return { finished: true };
  return { resumed: known.resumed, metrics: own && 'metrics' in own ? own.metrics : undefined };
}

function assertShares({ batchSize }: TrainOptions, { size }: World): void {
  if (batchSize % size === 0) return;
  const nearest = Math.max(1, Math.round(batchSize / size)) * size;
  throw new Error(
    `Batches of ${batchSize} images can't be shared out evenly among ${size} processes: set train.batchSize to a multiple of ${size}, such as ${nearest}, or start another number of processes.`,
  );
}

const versionsOf = (engine: string) => ({
  engine,
  llr: version,
  tfjs: version_core,
  node: process.version,
});

/** A run that has finished, with its network's weights. */
async function finishedRun(world: World, directory: string, model: TrainableClassifier) {
  const { run, metrics } = await rank0(world, () => readRun(directory));
  await loadNetwork(world, model, directory);
  return { model, run, history: metrics };
}

/** The saved network, from rank 0's disk. */
async function loadNetwork(world: World, model: TrainableClassifier, directory: string) {
  const file = join(directory, runFiles.model, 'model.safetensors');
  await rank0(world, async () => {
    await loadWeights(model, file);
  });
  await shareState(world, [...model.parameters, ...(model.runningStatistics ?? [])]);
}

function callbacksOf({ train: recipe }: Experiment, { onStep, callbacks = [] }: TrainRunOptions) {
  return [...(recipe.callbacks ?? []), ...(onStep ? [{ onStep }] : []), ...callbacks];
}

function recordOf(
  { name, seed = 0, threat, train: recipe, variants }: Experiment,
  variant: string,
  found: Pick<RunRecord, 'data' | 'engine' | 'source' | 'seconds' | 'settings' | 'processes'> & {
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
