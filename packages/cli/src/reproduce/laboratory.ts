import { join } from 'node:path';
import {
  experimentFrom,
  type MetricsLine,
  type RunRecord,
  type RunSource,
  readRun,
  type Scale,
  tensorBoard,
  train,
} from '@llr/train';
import { defaultBatchSize } from '../eval/batch-size.ts';
import { Interrupted } from '../eval/interrupt.ts';
import { provenanceOf } from '../eval/provenance.ts';
import { resultFiles } from '../eval/result-files.ts';
import { type EvaluationFile, runEvaluation } from '../eval/run-evaluation.ts';
import { type LoadedTarget, loadTarget } from '../eval/what-to-evaluate.ts';
import type { Output } from '../output.ts';
import { stoppable } from '../train/stoppable.ts';
import { trainingBar } from '../train/training-bar.ts';
import type { Needed } from './artefact.ts';
import { attacksFor, countsTargets } from './columns.ts';
import { earlierResult, journalIsOf } from './earlier-evaluation.ts';
import type { Network, NetworkChoice } from './networks.ts';

/** A network that is trained, with what it is measured on. */
export interface TrainedNetwork extends LoadedTarget {
  id: string;
  /** The run's folder. */
  directory: string;
  run: RunRecord;
  metrics: readonly MetricsLine[];
  /** Robust accuracy on the validation images after the last epoch; NaN where there was no validation. */
  validation: number;
}

/** Where networks are trained and attacked, each once. */
export interface Laboratory {
  readonly scale: Scale;
  /** Results go here; networks into `networks`. */
  readonly directory: string;
  readonly out: Output;
  trained(choice: NetworkChoice): Promise<TrainedNetwork>;
  /** With the attacks that any table needs of the network. */
  evaluated(choice: NetworkChoice): Promise<EvaluationFile>;
}

export interface LaboratoryOptions {
  scale: Scale;
  directory: string;
  engine: string;
  /** Where runs say that they come from. */
  source: RunSource;
  out: Output;
  networkOf(choice: NetworkChoice): Network;
  /** Of all tables and figures. */
  needs: readonly Needed[];
  /** Attack the first so many test images; where it isn't given, as many as the preset says. */
  examples: number | undefined;
  /** Runs that are there, by the id of the network they stand for. */
  given: ReadonlyMap<string, string>;
}

/**
 * Trains and attacks the networks that are asked for. What is there, finished or not, is gone on with, however the
 * process before has ended.
 */
export function openLaboratory(options: LaboratoryOptions): Laboratory {
  const { scale, directory, out, networkOf } = options;
  const networks = new Map<string, Promise<TrainedNetwork>>();
  const evaluations = new Map<string, Promise<EvaluationFile>>();
  const once = <T>(kept: Map<string, Promise<T>>, id: string, make: () => Promise<T>) => {
    const found = kept.get(id) ?? make();
    kept.set(id, found);
    return found;
  };
  const trained = (choice: NetworkChoice) => {
    const network = networkOf(choice);
    return once(networks, network.id, () => trainOrLoad(network, options));
  };
  return {
    scale,
    directory,
    out,
    trained,
    evaluated: (choice) => {
      const network = networkOf(choice);
      return once(evaluations, network.id, async () =>
        evaluateOrRead(network, await trained(choice), options),
      );
    },
  };
}

/** The folder of a network's run. */
export const folderOfNetwork = (
  { id }: Network,
  { directory, given }: Pick<LaboratoryOptions, 'directory' | 'given'>,
): string => given.get(id) ?? join(directory, 'networks', id);

async function trainOrLoad(network: Network, options: LaboratoryOptions): Promise<TrainedNetwork> {
  const { given } = options;
  const { id } = network;
  const folder = folderOfNetwork(network, options);
  if (!given.has(id)) await trainNetwork(network, folder, options);
  const target = { kind: 'run', path: folder, folder } as const;
  const loaded = await loadTarget(target, {}, undefined);
  const { run, metrics } = await readRun(folder);
  const validation = metrics.findLast((line) => robust in line)?.[robust] ?? Number.NaN;
  return { ...loaded, id, directory: folder, run, metrics, validation };
}

async function trainNetwork(
  { id, variant, experiment: plain }: Network,
  folder: string,
  { engine, source, out }: LaboratoryOptions,
): Promise<void> {
  const experiment = await experimentFrom(plain);
  const training = (signal: AbortSignal) =>
    train(experiment, variant, {
      directory: folder,
      engine,
      resume: true,
      signal,
      source,
      callbacks: [trainingBar(id, out), tensorBoard()],
    });
  try {
    const { model } = await stoppable(out, training);
    // What is attacked is what was saved.
    (model as { dispose?(): void }).dispose?.();
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(
      `Stopped. The same command goes on from there (${folder}).`,
      error.exitCode,
    );
  }
}

const robust = 'validation robust accuracy';

async function evaluateOrRead(
  network: Network,
  trained: TrainedNetwork,
  { engine, out, needs, networkOf, examples: asked }: LaboratoryOptions,
): Promise<EvaluationFile> {
  const { id, directory, classifier, test, weights, threat, seed } = trained;
  const columns = needs.filter((need) => networkOf(need).id === id).flatMap((need) => need.columns);
  const attacks = attacksFor(columns, network.experiment);
  const size = Math.min(asked ?? network.experiment.evaluation?.examples ?? test.size, test.size);
  const provenance = provenanceOf({
    classifier,
    test,
    weights,
    threat,
    seed,
    engine,
    examples: { of: size, ranges: [[0, size]] },
    batchSize: defaultBatchSize(classifier.inputShape),
    activeSet: 'within-attack',
    targetedSuccess: columns.some(countsTargets),
    attacks,
    attackFile: null,
  });
  const files = resultFiles(directory, undefined, undefined);
  const before = await earlierResult(files.result, provenance);
  if (before) return before;
  return runEvaluation(
    { ...trained, name: id, attacks },
    provenance,
    files,
    { saveTo: undefined, restart: !(await journalIsOf(files.journal, provenance)) },
    out,
  );
}
