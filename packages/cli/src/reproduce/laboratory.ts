import { mkdir } from 'node:fs/promises';
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
import { Interrupted } from '../eval/interrupt.ts';
import type { EvaluationFile } from '../eval/run-evaluation.ts';
import { type LoadedTarget, loadTarget } from '../eval/what-to-evaluate.ts';
import { evaluateNetwork } from '../evaluate-run.ts';
import type { Output } from '../output.ts';
import { stoppable } from '../train/stoppable.ts';
import { trainingBar } from '../train/training-bar.ts';
import type { Needed } from './artefact.ts';
import { attacksFor, countsTargets } from './columns.ts';
import type { Network, NetworkChoice } from './networks.ts';

/** A network that is trained, with what it is measured on. */
export interface ReadyNetwork extends LoadedTarget {
  id: string;
  /** The run's folder. */
  directory: string;
  /** Where what is measured of it goes: that folder, or one of our own for a run that was given. */
  results: string;
  run: RunRecord;
  metrics: readonly MetricsLine[];
  /** How many of the first test images it is measured on. */
  images: number;
  /** Robust accuracy on the validation images after the last epoch; NaN where there was no validation. */
  validation: number;
}

/** Where networks are trained and attacked, each once. */
export interface Laboratory {
  readonly scale: Scale;
  /** Results go here; networks into `networks`. */
  readonly directory: string;
  readonly engine: string;
  readonly out: Output;
  trained(choice: NetworkChoice): Promise<ReadyNetwork>;
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
  const { scale, directory, engine, out, networkOf } = options;
  const networks = new Map<string, Promise<ReadyNetwork>>();
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
    engine,
    out,
    trained,
    evaluated: (choice) => {
      const network = networkOf(choice);
      return once(evaluations, network.id, async () =>
        evaluate(network, await trained(choice), options),
      );
    },
  };
}

/** Where a network's run is, and where what is measured of it goes. */
export function foldersOf(
  { id }: Network,
  { directory, given }: Pick<LaboratoryOptions, 'directory' | 'given'>,
): { run: string; results: string } {
  const results = join(directory, 'networks', id);
  return { run: given.get(id) ?? results, results };
}

async function trainOrLoad(network: Network, options: LaboratoryOptions): Promise<ReadyNetwork> {
  const { given } = options;
  const { id } = network;
  const { run: folder, results } = foldersOf(network, options);
  await mkdir(results, { recursive: true });
  if (!given.has(id)) await trainNetwork(network, folder, options);
  const target = { kind: 'run', path: folder, folder } as const;
  const loaded = await loadTarget(target, {}, undefined);
  const { run, metrics } = await readRun(folder);
  const validation = metrics.findLast((line) => robust in line)?.[robust] ?? Number.NaN;
  const images = imagesOf(network, loaded.test, options);
  return { ...loaded, id, directory: folder, results, run, metrics, validation, images };
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

/** The first test images that count: as many as the command line or else the preset says, or all. */
export const imagesOf = (
  { experiment }: Network,
  { size }: { size: number },
  { examples = experiment.evaluation?.examples ?? size }: Pick<LaboratoryOptions, 'examples'>,
): number => Math.min(examples, size);

const robust = 'validation robust accuracy';

function evaluate(
  { experiment }: Network,
  trained: ReadyNetwork,
  { engine, out, needs, networkOf }: LaboratoryOptions,
): Promise<EvaluationFile> {
  const own = needs.filter((need) => networkOf(need).id === trained.id);
  const columns = own.flatMap((need) => need.columns);
  const attacked = {
    ...trained,
    name: trained.id,
    attacks: attacksFor(columns, experiment),
    engine,
    examples: trained.images,
    targetedSuccess: columns.some(countsTargets),
  };
  return evaluateNetwork(attacked, out, { goesOn: 'The same command goes on' });
}
