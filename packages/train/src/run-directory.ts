import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '@llr/models';
import { unfinished } from './checkpoints/replace-folder.ts';
import type { RunSettings } from './run-settings.ts';
import type { RunSource } from './run-source.ts';
import type { ThreatDescription } from './threat.ts';

/** What a run leaves on disk, and where. */
export const runFiles = {
  run: 'run.json',
  checkpoints: 'checkpoints',
  best: 'best',
  metrics: 'metrics.jsonl',
  model: 'model',
  evaluation: 'evaluation.json',
} as const;

/** What `run.json` says of a run: enough to know it, repeat it, evaluate it again and compare it. */
export interface RunRecord {
  format: 1;
  experiment: string;
  variant: string;
  regularizers: readonly { name: string; settings?: Readonly<Record<string, unknown>> }[];
  seed: number;
  /** As in the experiment: a name that `openData` knows, or that of the user's own sources. */
  data: string;
  model: string;
  parameters: number;
  threat: ThreatDescription;
  /** The recipe; a learning rate that follows a schedule is in `metrics.jsonl`, step by step. */
  train: {
    epochs: number;
    batchSize: number;
    examples: number;
    optimizer: string;
    learningRate: number | 'schedule';
    weightDecay: number;
    epsilonRamp: number;
    augment: boolean;
  };
  engine: string;
  /** How many trained together; nothing where it was one. */
  processes?: number;
  llr: string;
  /** Of `@tensorflow/tfjs-core`. */
  tfjs: string;
  node: string;
  /** Operating system and processor: `linux-x64`. */
  platform: string;
  /** Where it was begun from. */
  source: RunSource;
  /** Wall time of the training. */
  seconds: number;
  /** All that it was made with. Runs before version 0.2 don't have it. */
  settings?: RunSettings;
}

/** A line of `metrics.jsonl`: means over the steps since the line before, or a validation after an epoch. */
export interface MetricsLine {
  step: number;
  epoch: number;
  [name: string]: number;
}

/** Writes JSON whole or not at all. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeWhole(file, [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)]);
}

/** What was measured of the network, and how far that has come. */
const measurement =
  /^(gamma|bounds|verdict|panels|surface-\d+)\.(json|csv|svg|png|journal\.jsonl)$/;

/** Begins a run's folder anew: nothing of an earlier run stays, so a folder never mixes two. */
export async function clearRun(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const names = await readdir(directory);
  const events = names.filter((name) => name.includes('.tfevents.'));
  const measured = names.filter((name) => measurement.test(name));
  for (const name of [...Object.values(runFiles), ...events, ...measured]) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
  await removeUnfinished(directory);
}

/** Removes what was being written when a process was killed. */
export async function removeUnfinished(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(unfinished));
  for (const name of names) await rm(join(directory, name), { recursive: true, force: true });
}

/** Whether a folder holds a run that has finished. */
export const isFinished = (directory: string): Promise<boolean> =>
  access(join(directory, runFiles.run)).then(
    () => true,
    () => false,
  );

/**
 * What a run's folder says of it.
 *
 * @throws when the folder holds no finished run
 */
export async function readRun(
  directory: string,
): Promise<{ run: RunRecord; metrics: MetricsLine[] }> {
  const read = async (name: string) => {
    try {
      return await readFile(join(directory, name), 'utf8');
    } catch {
      throw new Error(
        `${directory} holds no finished run: ${name} is missing. Train one with llr train.`,
      );
    }
  };
  const run = JSON.parse(await read(runFiles.run)) as RunRecord;
  const lines = (await read(runFiles.metrics)).split('\n').filter(Boolean);
  return { run, metrics: lines.map((line) => JSON.parse(line) as MetricsLine) };
}
