import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfFile } from '@llr/datasets';
import { loadWeights, saveWeights } from '@llr/models';
import type { MeanMetricsState } from '../mean-metrics.ts';
import type { MetricsPlace } from '../metrics-file.ts';
import type { NamedVariable } from '../named-variable.ts';
import { type MetricsLine, writeJson } from '../run-directory.ts';
import type { RunSettings } from '../run-settings.ts';
import type { RunSource } from '../run-source.ts';
import { replaceFolder } from './replace-folder.ts';

/**
 * What a run has to know, beside its arrays, to go on as if it had never stopped: the state right after a step, before
 * any validation. Schedules, random numbers and the next batch are functions of the settings and the step.
 */
export interface CheckpointContent {
  /** Steps done. */
  step: number;
  settings: RunSettings;
  /** What was measured since the last line of `metrics.jsonl`. */
  means: MeanMetricsState;
  metrics: MetricsPlace;
  /** The validation of the network in `best/`, if there has been one. */
  best: MetricsLine | null;
  engine: string;
  /** How many trained together; nothing where it was one. */
  processes?: number;
  /** Where the run was begun from. */
  source: RunSource;
  llr: string;
  node: string;
  /** Wall time of the training so far. */
  seconds: number;
}

/** A checkpoint whose files have been found to be what was written. */
export interface Checkpoint {
  readonly folder: string;
  readonly content: CheckpointContent;
}

/** `checkpoint.json`: the content, and how to tell that nothing of the checkpoint is damaged. */
interface Description {
  format: 1;
  /** Of everything below, as JSON without spaces. */
  sha256: string;
  checked: {
    files: Readonly<Record<string, { bytes: number; sha256: string }>>;
    content: CheckpointContent;
  };
}

const descriptionFile = 'checkpoint.json';
const stateFile = 'state.safetensors';

/**
 * Writes a checkpoint folder, whole or not at all.
 *
 * @param state - all arrays that training changes, up to date
 * @throws when a value is NaN or infinite, and what the file system does
 */
export async function writeCheckpoint(
  folder: string,
  content: CheckpointContent,
  state: readonly NamedVariable[],
): Promise<void> {
  await replaceFolder(folder, async (temporary) => {
    const file = join(temporary, stateFile);
    await saveWeights(stateOwner(state), file);
    const { size: bytes } = await stat(file);
    const files = { [stateFile]: { bytes, sha256: await sha256OfFile(file) } };
    const checked = { files, content };
    const sha256 = sha256Of(JSON.stringify(checked));
    const description: Description = { format: 1, sha256, checked };
    await writeJson(join(temporary, descriptionFile), description);
  });
}

/**
 * Reads a checkpoint's description and checks every file against it.
 *
 * @throws when anything is missing or is not what was written, saying what
 */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const { files, content } = await readDescription(join(folder, descriptionFile));
  for (const [name, { bytes, sha256 }] of Object.entries(files)) {
    const { size } = await stat(join(folder, name));
    if (size !== bytes) throw new Error(`${name} has ${size} bytes; ${bytes} were written`);
    if ((await sha256OfFile(join(folder, name))) !== sha256) {
      throw new Error(`${name} is not what was written: its checksum differs`);
    }
  }
  return { folder, content };
}

async function readDescription(file: string): Promise<Description['checked']> {
  const text = await readFile(file, 'utf8');
  let found: Partial<Description> | null;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error(`${descriptionFile} is not JSON`);
  }
  if (found?.format !== 1) {
    throw new Error(`${descriptionFile} has the format ${found?.format}; 1 is understood`);
  }
  const { checked, sha256 } = found;
  if (!checked || sha256Of(JSON.stringify(checked)) !== sha256) {
    throw new Error(`${descriptionFile} is not what was written: its checksum differs`);
  }
  return checked;
}

/**
 * Gives the arrays of a checkpoint to the variables of the same names.
 *
 * @throws when they are not the same variables, and as `readCheckpoint` does
 */
export async function restoreState(
  { folder }: Checkpoint,
  state: readonly NamedVariable[],
): Promise<void> {
  await loadWeights(stateOwner(state), join(folder, stateFile));
}

/** The state of a training is saved as weights are. */
const stateOwner = (state: readonly NamedVariable[]) => ({
  name: 'the training',
  parameters: state.map((named) => ({ ...named, decay: false })),
});

const sha256Of = (text: string) => createHash('sha256').update(text).digest('hex');
