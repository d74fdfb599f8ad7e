import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import {
  epsilonText,
  type LossSurface,
  localLinearityHistogram,
  lossSurface,
  panels,
  type ReportNetwork,
  writeReport,
} from '@llr/analysis';
import { type AdversarialExample, adversarialExamples, type Evaluation, pgd } from '@llr/attacks';
import { subset } from '@llr/datasets';
import { type MetricsLine, runFiles, threatModel } from '@llr/train';
import { sha256OfModel } from './eval/weights-of.ts';
import type { LoadedRun } from './load-run.ts';
import { measurementsIn } from './measurements-in.ts';
import { normSign } from './norm-sign.ts';
import type { Output } from './output.ts';
import { trainingInWords } from './training-in-words.ts';

const shownImages = 4;
const gammaImages = 256;
/** Where the images shown are looked for. */
const candidates = 32;

/**
 * Measures networks (loss surface, √γ, adversarial panels) on the same test images and writes the report.
 *
 * @returns the path of the HTML file
 */
export async function reportOn(
  runs: readonly { name: string; loaded: LoadedRun }[],
  { file, title, engine }: { file: string; title: string; engine: string },
  out: Output,
): Promise<string> {
  const attacked = new Map<LoadedRun, AdversarialExample[]>();
  for (const { loaded } of runs) attacked.set(loaded, await attackFew(loaded));
  const networks: ReportNetwork[] = [];
  for (const { name, loaded } of runs) {
    const comparable = runs.flatMap((other) =>
      imagesOf(other.loaded) === imagesOf(loaded) ? [attacked.get(other.loaded)!] : [],
    );
    networks.push(
      await measure(name, loaded, attacked.get(loaded)!, chooseImages(comparable), out),
    );
  }
  await writeReport(file, {
    title,
    networks,
    details: {
      ...shared(runs.map(({ loaded }) => circumstances(loaded))),
      engine,
      machine: `${cpus().length} cores, ${process.platform} ${process.arch}, Node ${process.version}`,
    },
  });
  return file;
}

/** Networks with the same test images are shown on the same ones. */
const imagesOf = ({ test }: LoadedRun): string => `${test.name} ${test.split} ${test.size}`;

/** What is said once where it is the same for all, and otherwise for each network. */
const circumstances = ({ run, test }: LoadedRun): Record<string, string> => ({
  data: test.name,
  'threat model': `${normSign[run.threat.norm]}, ε = ${epsilonText(run.threat.epsilon)}`,
  LLR: run.llr,
  'trained by': `${run.engine}, TensorFlow.js ${run.tfjs}, Node ${run.node}, ${run.platform}`,
});

const shared = (all: readonly Record<string, string>[]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(all[0]!).filter(([name, value]) => all.every((one) => one[name] === value)),
  );

/** PGD-20 in steps of ε/5 against a few test images. */
async function attackFew({ classifier, test, run }: LoadedRun): Promise<AdversarialExample[]> {
  const { epsilon } = run.threat;
  const threat = threatModel(run.threat);
  try {
    return await adversarialExamples({
      classifier,
      data: subset(test, { size: Math.min(candidates, test.size) }),
      attack: pgd({ steps: 20, stepSize: epsilon / 5 }),
      threat,
      seed: run.seed,
      batchSize: candidates,
    });
  } finally {
    threat.radius.dispose();
  }
}

/** The rows of the first images that every network gets right unperturbed; the very first if there are none. */
function chooseImages(attacked: readonly AdversarialExample[][]): number[] {
  const rows = attacked[0]!.map((_, row) => row);
  const right = rows.filter((row) =>
    attacked.every((examples) => examples[row]!.prediction === examples[row]!.label),
  );
  return (right.length > 0 ? right : rows).slice(0, shownImages);
}

async function measure(
  name: string,
  loaded: LoadedRun,
  attacked: readonly AdversarialExample[],
  shown: readonly number[],
  out: Output,
): Promise<ReportNetwork> {
  const { test, run, metrics, directory } = loaded;
  const measured = await measurementsIn(
    directory,
    await sha256OfModel(join(directory, runFiles.model)),
  );
  const { gamma = await gammaOfFew(name, loaded, out), bounds, verdict } = measured;
  const { surfaces = await surfaceOf(loaded, attacked[shown[0]!]!) } = measured;
  return {
    name,
    evaluation: await readEvaluation(directory),
    curves: curvesOf(metrics),
    surfaces,
    gammas: gamma.examples.map(({ gamma }) => gamma),
    ...(bounds && { bounds }),
    ...(verdict && { verdict }),
    classNames: test.classNames,
    panels: panels({
      inputShape: test.inputShape,
      classNames: test.classNames,
      epsilon: run.threat.epsilon,
      examples: shown.map((row) => attacked[row]!),
    }),
    details: {
      regularisers: trainingInWords(run),
      '√γ': `${gamma.examples.length.toLocaleString('en-GB')} images, ε = ${epsilonText(gamma.threat.epsilon)}`,
      network: `${run.model}, ${run.parameters.toLocaleString('en-GB')} parameters`,
      'trained on': `${run.train.examples.toLocaleString('en-GB')} images, ${run.train.epochs} epochs, batches of ${run.train.batchSize}`,
      ...circumstances(loaded),
      seed: String(run.seed),
      'training time': `${run.seconds.toFixed(0)} s`,
    },
    settings: run,
  };
}

/** √γ of the first test images, where nobody has measured it at more. */
async function gammaOfFew(name: string, { classifier, test, run }: LoadedRun, out: Output) {
  const threat = threatModel(run.threat);
  const bar = out.bar(`${name}: √γ`, 'images');
  try {
    return await localLinearityHistogram({
      classifier,
      data: subset(test, { size: Math.min(gammaImages, test.size) }),
      threat,
      seed: run.seed,
      batchSize: 64,
      onProgress: ({ done, total }) => bar.update(done, total),
    });
  } finally {
    bar.done();
    threat.radius.dispose();
  }
}

/** The loss around an attacked image; nothing where the attack had nothing to do. */
async function surfaceOf(
  { classifier, run }: LoadedRun,
  { index, image, label, perturbation }: AdversarialExample,
): Promise<LossSurface[]> {
  if (perturbation.every((change) => change === 0)) return [];
  const surface = await lossSurface({
    classifier,
    image,
    index,
    label,
    direction: perturbation,
    extent: 2,
    grid: 33,
    seed: run.seed,
  });
  return [surface];
}

async function readEvaluation(directory: string): Promise<Evaluation> {
  const file = join(directory, runFiles.evaluation);
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Evaluation;
  } catch {
    throw new Error(`${directory} has not been evaluated: run llr eval ${directory} first.`);
  }
}

/** Every number of the metrics as a curve over epochs, bookkeeping aside. */
function curvesOf(metrics: readonly MetricsLine[]): ReportNetwork['curves'] {
  const names = new Set(metrics.flatMap((line) => Object.keys(line)));
  for (const name of ['step', 'epoch', 'learningRate', 'epsilon']) names.delete(name);
  return [...names].map((name) => ({
    name,
    points: metrics.flatMap((line) =>
      line[name] === undefined ? [] : [{ epoch: line.epoch, value: line[name] }],
    ),
  }));
}
