import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { assertEpsilon, assertL2Epsilon, type Classifier, type ImageSource } from '@llr/core';
import { openData } from '@llr/datasets';
import { loadModel, loadWeights } from '@llr/models';
import { dataOf, type Experiment, runFiles, type ThreatDescription } from '@llr/train';
import { loadRun, runsIn } from '../load-run.ts';
import type { Config } from './config-file.ts';
import { loadTfjsModel } from './tfjs-model.ts';
import { sha256Of, sha256OfModel, weightsOf } from './weights-of.ts';

/** A network to evaluate, where it is and as what. */
export interface Target {
  kind: 'run' | 'model folder' | 'tfjs model' | 'weights' | 'config';
  /** The folder or file; for a config, the config. */
  path: string;
  /** Where results go. */
  folder: string;
}

/** What of the command line says on what a network is evaluated. */
export interface EvaluationSetting {
  data?: string | undefined;
  epsilon?: number | undefined;
  norm?: ThreatDescription['norm'] | undefined;
  seed?: number | undefined;
}

/** A network with all it is evaluated on. */
export interface LoadedTarget {
  /** For people. */
  name: string;
  classifier: Classifier;
  /** SHA-256, see `Provenance`. */
  weights: Record<string, string>;
  test: ImageSource;
  threat: ThreatDescription;
  seed: number;
}

/**
 * The networks that paths stand for: runs of `llr train` or folders of them, folders with a `config.json` (this package's,
 * timm's, transformers') or a `model.json` (TensorFlow.js), such files, or the weights of a network that a config builds.
 * No path stands for the classifier that the config exports.
 *
 * @throws naming the path that is none of these
 */
export function targetsOf(paths: readonly string[], config: string | undefined): Target[] {
  if (paths.length > 0) return paths.flatMap(targetsAt);
  if (config === undefined) {
    throw new Error(
      'Name what is to be evaluated: a run of llr train, the folder or file of a model, or --config with a file that exports a classifier.',
    );
  }
  return [{ kind: 'config', path: config, folder: '.' }];
}

function targetsAt(path: string): Target[] {
  if (!existsSync(path)) throw new Error(`There is no ${path}.`);
  if (!statSync(path).isDirectory()) return [targetOfFile(path)];
  const has = (name: string) => existsSync(join(path, name));
  const inFolder = (kind: Target['kind'], name = '') => [
    { kind, path: join(path, name), folder: path },
  ];
  const inside = () => readdirSync(path).some((name) => has(join(name, runFiles.run)));
  if (has(runFiles.run) || inside()) {
    return runsIn(path).map((run) => ({ kind: 'run', path: run, folder: run }));
  }
  if (has('config.json')) return inFolder('model folder');
  if (has('model.json')) return inFolder('tfjs model', 'model.json');
  if (has('model.safetensors')) return inFolder('weights', 'model.safetensors');
  throw new Error(
    `${path} holds no finished run of llr train, and no model either (config.json or model.json).`,
  );
}

function targetOfFile(path: string): Target {
  const folder = dirname(path);
  if (path.endsWith('.safetensors')) return { kind: 'weights', path, folder };
  if (basename(path) === 'config.json') return { kind: 'model folder', path: folder, folder };
  if (path.endsWith('.json')) return { kind: 'tfjs model', path, folder };
  throw new Error(
    `${path} is neither a folder nor a model.json of TensorFlow.js nor weights (.safetensors). A .ts or .js file that exports a classifier is named by --config.`,
  );
}

/**
 * Refuses at once what would fail after loading: a network that doesn't say on what it is to be evaluated.
 *
 * @param config - whether there is one, which may say it
 */
export function assertSetting(
  { kind, path }: Target,
  { data, epsilon }: EvaluationSetting,
  config: boolean,
): void {
  if (kind === 'run' || (config && kind === 'weights')) return;
  if (kind === 'weights') {
    throw new Error(
      `${path} is weights alone. Name the config that builds the network: --config llr.config.ts.`,
    );
  }
  if (data !== undefined && epsilon !== undefined) return;
  const missing = [
    ...(data === undefined ? ['--data'] : []),
    ...(epsilon === undefined ? ['--epsilon'] : []),
  ].join(' and ');
  throw new Error(
    `${path} doesn't say what it is to be evaluated on, as a run of llr train does: name ${missing}, for instance --data cifar10 --epsilon 8/255.`,
  );
}

/**
 * Loads a network and opens its images.
 *
 * @throws when either can't be read, they don't fit together, or ε can't be meant
 */
export async function loadTarget(
  target: Target,
  setting: EvaluationSetting,
  config: Config | undefined,
): Promise<LoadedTarget> {
  const loaded = await loadedAs(target, setting, config);
  assertRadius(loaded.threat);
  assertFits(loaded);
  return loaded;
}

function assertRadius({ norm, epsilon }: ThreatDescription): void {
  try {
    if (norm === 'linf') assertEpsilon(epsilon);
    else assertL2Epsilon(epsilon);
  } catch (error) {
    throw new Error(`--epsilon: ${(error as Error).message}`, { cause: error });
  }
}

/** Labels mean nothing to a network of other classes, even where it has as many as the largest label. */
function assertFits({ name, classifier, test }: LoadedTarget): void {
  const images = (shape: readonly number[], classes: number) =>
    `${shape.join(' x ')} images of ${classes} classes`;
  const taken = images(classifier.inputShape, classifier.numClasses);
  const given = images(test.inputShape, test.classNames.length);
  if (taken !== given) throw new Error(`${name} takes ${taken}, but ${test.name} has ${given}.`);
}

async function loadedAs(
  target: Target,
  setting: EvaluationSetting,
  config: Config | undefined,
): Promise<LoadedTarget> {
  const experiment = config?.kind === 'experiment' ? config.experiment : undefined;
  if (target.kind === 'run') return loadedRun(target, setting, experiment);
  if (target.kind === 'weights') return builtByConfig(target, setting, experiment);
  const { classifier, weights } = await loadNetwork(target, config);
  return {
    name: classifier.name,
    classifier,
    weights,
    test: await openTest(setting.data!, classifier),
    threat: { norm: setting.norm ?? 'linf', epsilon: setting.epsilon! },
    seed: setting.seed ?? 0,
  };
}

async function loadedRun(
  { path }: Target,
  { data, epsilon, norm, seed }: EvaluationSetting,
  experiment: Experiment | undefined,
): Promise<LoadedTarget> {
  const { run, classifier, test } = await loadRun(path, experiment, data);
  return {
    name: path,
    classifier,
    weights: await sha256OfModel(join(path, runFiles.model)),
    test,
    threat: { norm: norm ?? run.threat.norm, epsilon: epsilon ?? run.threat.epsilon },
    seed: seed ?? run.seed,
  };
}

async function builtByConfig(
  { path }: Target,
  { data, epsilon, norm, seed: given }: EvaluationSetting,
  experiment: Experiment | undefined,
): Promise<LoadedTarget> {
  if (!experiment) {
    throw new Error(
      `${path} is weights alone: --config must name an experiment, whose model they are of.`,
    );
  }
  const seed = given ?? experiment.seed ?? 0;
  const source = data === undefined ? dataOf(experiment) : openData(data);
  const test = await source.open('test');
  const { inputShape, classNames } = test;
  const classifier = experiment.model({ inputShape, numClasses: classNames.length, seed });
  await loadWeights(classifier, path);
  const threat = {
    norm: norm ?? experiment.threat.norm,
    epsilon: epsilon ?? experiment.threat.epsilon,
  };
  return { name: path, classifier, weights: await sha256Of([path]), test, threat, seed };
}

async function loadNetwork(
  { kind, path }: Target,
  config: Config | undefined,
): Promise<{ classifier: Classifier; weights: Record<string, string> }> {
  if (kind === 'model folder') {
    return { classifier: await loadModel(path), weights: await sha256OfModel(path) };
  }
  if (kind === 'tfjs model') {
    const { classifier, files } = await loadTfjsModel(path);
    return { classifier, weights: await sha256Of(files) };
  }
  if (config?.kind !== 'classifier') {
    throw new Error(
      `${path} exports an experiment, which has no weights yet. Name those beside it (a run of llr train, or a .safetensors file), or export a classifier.`,
    );
  }
  return { classifier: config.classifier, weights: await weightsOf(config.classifier) };
}

/** Images that come encoded are made as large as the network takes them. */
async function openTest(data: string, { inputShape: [size] }: Classifier): Promise<ImageSource> {
  return openData(data, { size }).open('test');
}
