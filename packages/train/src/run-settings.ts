import { createHash } from 'node:crypto';
import type { ImageSource, TrainableClassifier } from '@llr/core';
import { streamState } from '@llr/datasets';
import type { Experiment, TrainOptions } from './experiment.ts';
import { optimizerName } from './optimizers/optimizer-of.ts';
import type { EpochSchedule } from './schedules.ts';

/** Plain data, as JSON has it. */
type Plain = null | boolean | number | string | readonly Plain[] | { [name: string]: Plain };

/** All that a run is made with, as plain data: what has to be the same for another process to go on with it. */
export type RunSettings = { readonly [name: string]: Plain };

/** What an experiment comes to when its data and network are there. */
export interface Opened {
  model: TrainableClassifier;
  training: ImageSource;
  validation: ImageSource | undefined;
}

/** The settings of a run. Functions can't be compared: a schedule is by its values, a plugin by its name and settings. */
export function settingsOf(
  experiment: Experiment,
  variant: string,
  { model, training, validation }: Opened,
): RunSettings {
  const { seed = 0, threat, loss, variants } = experiment;
  // How it is watched and kept doesn't change what comes out.
  const { callbacks: _, checkpoints: __, optimizer, ...train } = experiment.train;
  return plain({
    variant,
    seed,
    training: describedSource(training),
    validation: validation && describedSource(validation),
    model: { name: model.name, ...('config' in model && { config: model.config }) },
    threat,
    loss: loss?.name,
    regularizers: (variants[variant]?.regularizers ?? []).map(describedPlugin),
    train: {
      ...train,
      optimizer: typeof optimizer === 'function' ? optimizerName(optimizer) : optimizer,
      learningRate: describedRate(train),
      validation: train.validation && {
        ...train.validation,
        attack: describedPlugin(train.validation.attack),
      },
    },
  }) as RunSettings;
}

/** What differs between two runs' settings: `train.batchSize was 64 and is 128`. */
export const settingsDifferences = (before: RunSettings, now: RunSettings): string[] =>
  differencesBetween(before, now).map(
    (each) => `${each.name} was ${each.before} and is ${each.now}`,
  );

/** What differs between two descriptions: what it is called, and the values as people read them. */
export function differencesBetween(
  before: RunSettings,
  now: RunSettings,
): { name: string; before: string; now: string }[] {
  const [old, current] = [leavesOf(before), leavesOf(now)];
  const names = new Set([...old.keys(), ...current.keys()]);
  const shown = (value: Plain | undefined) => (value === undefined ? 'not set' : `${value}`);
  return [...names]
    .filter((name) => old.get(name) !== current.get(name))
    .map((name) => ({ name, before: shown(old.get(name)), now: shown(current.get(name)) }));
}

/** What JSON keeps of it: functions and what is undefined go. */
const plain = (value: unknown): Plain => JSON.parse(JSON.stringify(value)) as Plain;

const describedPlugin = ({
  name,
  settings,
}: {
  name: string;
  settings?: Readonly<Record<string, unknown>>;
}) => ({ name, settings });

function describedSource(source: ImageSource) {
  const { fingerprint } = streamState(source, { batch: 0, batchSize: 1, epoch: 0 });
  return { name: source.name, split: source.split, size: source.size, fingerprint };
}

const samplesPerEpoch = 16;

function describedRate({ learningRate, epochs }: TrainOptions): number | string {
  if (typeof learningRate === 'number') return learningRate;
  return `schedule ${digest(sampled(learningRate, epochs))}`;
}

const sampled = (schedule: EpochSchedule, epochs: number) =>
  Array.from({ length: samplesPerEpoch * epochs }, (_, i) => schedule(i / samplesPerEpoch, epochs));

const digest = (value: unknown) =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

function leavesOf(value: Plain, path = ''): Map<string, Plain> {
  if (value === null || typeof value !== 'object') return new Map([[path, value]]);
  const inner = Object.entries(value).flatMap(([name, part]) => [
    ...leavesOf(part, path ? `${path}.${name}` : name),
  ]);
  return new Map(inner);
}
