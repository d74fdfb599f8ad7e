import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack, Classifier } from '@llr/core';
import { dataOf, experimentFrom, planTraining, runFiles } from '@llr/train';
import { defaultBatchSize } from '../eval/batch-size.ts';
import { duration, tableOf } from '../train/plan-table.ts';
import type { Artefact } from './artefact.ts';
import { attacksFor } from './columns.ts';
import { foldersOf, imagesOf, type LaboratoryOptions } from './laboratory.ts';
import { secondsPerGradient } from './measure-gradient.ts';
import type { Network } from './networks.ts';

/** What a network will take from here on. Times are in seconds. */
interface NetworkPlan {
  id: string;
  state: 'trained and attacked' | 'trained' | 'begun' | 'to be trained' | 'given';
  /** 0 for one that is trained; of one that has begun, all of it. */
  training: number;
  /** At most: as if nothing broke, for what is broken is not attacked again. */
  attacking: number;
  /** The most memory that the process held when steps of it were measured; 0 where none were. */
  peakBytes: number;
}

/** What tables and figures will take on this machine, by what a few steps took. */
export interface ReproductionPlan {
  engine: string;
  networks: NetworkPlan[];
  artefacts: { name: string; networks: string[]; seconds: number; afterThoseAbove: number }[];
  seconds: number;
}

/** Measures what isn't known: a few steps of each kind of training, a few gradients of each kind of network. */
export async function planAll(
  chosen: readonly Artefact[],
  options: LaboratoryOptions,
): Promise<ReproductionPlan> {
  const { scale, networkOf, engine } = options;
  const measures = measuring(options);
  const plans = new Map<string, NetworkPlan>();
  const artefacts = [];
  for (const { name, needs } of chosen) {
    const networks = needs(scale).map(networkOf);
    let afterThoseAbove = 0;
    for (const network of networks) {
      if (plans.has(network.id)) continue;
      const plan = await planOf(network, options, measures);
      plans.set(network.id, plan);
      afterThoseAbove += plan.training + plan.attacking;
    }
    const ids = [...new Set(networks.map(({ id }) => id))];
    const seconds = sum(ids.map((id) => plans.get(id)!.training + plans.get(id)!.attacking));
    artefacts.push({ name, networks: ids, seconds, afterThoseAbove });
  }
  const networks = [...plans.values()];
  const seconds = sum(artefacts.map(({ afterThoseAbove }) => afterThoseAbove));
  return { engine, networks, artefacts, seconds };
}

/** The plan as text. */
export function plansTable({ networks, artefacts, seconds, engine }: ReproductionPlan): string {
  const ofNetworks = networks.map(({ id, state, training, attacking, peakBytes }) => [
    id,
    state,
    training > 0 ? duration(training) : '',
    attacking > 0 ? duration(attacking) : '',
    peakBytes > 0 ? `${(peakBytes / 2 ** 30).toFixed(1)} GiB` : '',
  ]);
  const ofArtefacts = artefacts.map(({ name, networks: used, seconds: alone, afterThoseAbove }) => [
    name,
    String(used.length),
    duration(alone),
    duration(afterThoseAbove),
  ]);
  return [
    tableOf([['network', 'state', 'training', 'attacks', 'memory'], ...ofNetworks]),
    tableOf([['', 'networks', 'by itself', 'after those above'], ...ofArtefacts]),
    networks.every(({ state }) => state === 'trained and attacked')
      ? 'All networks are there, trained and attacked.'
      : `In all ${duration(seconds)} on ${engine}, for what is not there yet. Training is predicted from a few measured steps, attacks (at most) from a few measured gradients of as many images as they have steps.`,
  ].join('\n');
}

type Measured = { training: number; peakBytes: number };
interface Measures {
  training(network: Network): Promise<Measured>;
  gradient(network: Network): Promise<number>;
}

/** Each kind once: what is trained alike but for its weights takes as long. */
function measuring({ engine, out }: LaboratoryOptions): Measures {
  const trainings = new Map<string, Measured>();
  const gradients = new Map<string, number>();
  return {
    training: async (network) => {
      const key = kindOf(network);
      const known = trainings.get(key);
      if (known) return known;
      out.say(`Measuring a few steps of ${network.id} …`);
      const experiment = await experimentFrom(network.experiment);
      const { predicted } = await planTraining(experiment, network.variant, {
        engine,
        stages: false,
      });
      const found = { training: predicted.seconds, peakBytes: predicted.peakBytes };
      trainings.set(key, found);
      return found;
    },
    gradient: async (network) => {
      const { model, data } = network.experiment;
      const key = JSON.stringify([model, data]);
      const known = gradients.get(key);
      if (known !== undefined) return known;
      const found = await secondsPerGradient(await experimentFrom(network.experiment));
      gradients.set(key, found);
      return found;
    },
  };
}

/** What the time of a step depends on. */
function kindOf({ experiment, variant }: Network): string {
  const { model, data, train, variants } = experiment;
  const { learningRate: _, ...recipe } = train;
  const regularizers = (variants[variant]?.regularizers ?? []).map((each) => {
    const { name, maximizer } = each as { name?: string; maximizer?: unknown };
    return [name, maximizer];
  });
  return JSON.stringify([model, data, recipe, regularizers]);
}

async function planOf(
  network: Network,
  options: LaboratoryOptions,
  measures: Measures,
): Promise<NetworkPlan> {
  const { id } = network;
  const state = stateOf(network, options);
  const trained =
    state === 'begun' || state === 'to be trained' ? undefined : { training: 0, peakBytes: 0 };
  const { training, peakBytes } = trained ?? (await measures.training(network));
  const gradients = await gradientsOf(network, options, state === 'trained and attacked');
  const attacking = gradients > 0 ? gradients * (await measures.gradient(network)) : 0;
  return { id, state, training, attacking, peakBytes };
}

function stateOf(network: Network, options: LaboratoryOptions): NetworkPlan['state'] {
  const { run, results } = foldersOf(network, options);
  if (existsSync(join(results, runFiles.evaluation))) return 'trained and attacked';
  if (options.given.has(network.id)) return 'given';
  if (existsSync(join(run, runFiles.run))) return 'trained';
  return existsSync(join(run, runFiles.checkpoints)) ? 'begun' : 'to be trained';
}

/** Input gradients of one image each, if no image broke before its last try. */
async function gradientsOf(
  network: Network,
  options: LaboratoryOptions,
  attacked: boolean,
): Promise<number> {
  const { needs, networkOf } = options;
  const own = needs.filter((need) => networkOf(need).id === network.id);
  const experiment = await experimentFrom(network.experiment);
  const test = await dataOf(experiment).open('test');
  const images = imagesOf(network, test, options);
  const batch = defaultBatchSize(test.inputShape);
  const padded = batch * Math.ceil(images / batch);
  const ofFigures = sum(
    own.map(({ gradients: { inAll = 0, perImage = 0 } = {} }) => inAll + padded * perImage),
  );
  if (attacked) return ofFigures;
  const columns = own.flatMap((need) => need.columns);
  const attacks = attacksFor(columns, network.experiment);
  const classifier = { numClasses: test.classNames.length } as Classifier;
  return ofFigures + padded * sum(attacks.map((attack) => stepsOf(attack, classifier)));
}

const stepsOf = (attack: Attack, classifier: Classifier): number =>
  attack.runs(classifier).length * Number(attack.settings?.steps ?? 1);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, x) => total + x, 0);
