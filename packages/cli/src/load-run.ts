import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Classifier, ImageSource } from '@llr/core';
import { type Data, openData } from '@llr/datasets';
import { loadModel, loadWeights } from '@llr/models';
import { type Experiment, type MetricsLine, type RunRecord, readRun, runFiles } from '@llr/train';

/** A finished run, with its network and test images. */
export interface LoadedRun {
  directory: string;
  run: RunRecord;
  metrics: readonly MetricsLine[];
  classifier: Classifier;
  test: ImageSource;
}

/**
 * Loads the network and the test images of a run.
 *
 * @param experiment - for a network or data of the user's own, the experiment that made it
 * @param data - other images than those the run was trained on
 */
export async function loadRun(
  directory: string,
  experiment?: Experiment,
  data?: string,
): Promise<LoadedRun> {
  const { run, metrics } = await readRun(directory);
  const source =
    data === undefined && experiment && typeof experiment.data !== 'string'
      ? experiment.data
      : dataNamed(data, run);
  const test = await source.open('test');
  const classifier = await loadNetwork(join(directory, runFiles.model), test, run, experiment);
  return { directory, run, metrics, classifier, test };
}

function dataNamed(data: string | undefined, run: RunRecord): Data {
  if (data !== undefined) return openData(data);
  try {
    return openData(run.data);
  } catch (error) {
    throw new Error(
      `${run.variant} was trained on data of your own ("${run.data}"). Name the config that has it, --config llr.config.ts, or other images, --data.`,
      { cause: error },
    );
  }
}

async function loadNetwork(
  folder: string,
  test: ImageSource,
  run: RunRecord,
  experiment: Experiment | undefined,
): Promise<Classifier> {
  if (existsSync(join(folder, 'config.json'))) return loadModel(folder);
  if (!experiment) {
    throw new Error(
      `${folder} holds the weights of a network of your own (${run.model}). Name the config that builds it: --config llr.config.ts.`,
    );
  }
  const { inputShape, classNames } = test;
  const model = experiment.model({ inputShape, numClasses: classNames.length, seed: run.seed });
  await loadWeights(model, join(folder, 'model.safetensors'));
  return model;
}

/** The runs a folder stands for: itself, or those in it. */
export function runsIn(folder: string): string[] {
  if (existsSync(join(folder, runFiles.run))) return [folder];
  const inside = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const runs = inside.filter((path) => existsSync(join(path, runFiles.run)));
  if (runs.length === 0) {
    throw new Error(
      `${folder} holds no finished run. Train one with llr train, or name another folder.`,
    );
  }
  return runs;
}
