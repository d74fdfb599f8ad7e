import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineExperiment, type Experiment, presets } from '@llr/train';
import { importDefault } from './load-module.ts';

/** What the command line may change about an experiment. */
export interface Overrides {
  data?: string;
  seed?: number;
  epsilon?: number;
  epochs?: number;
}

/**
 * The experiment of a preset or of a config file, with the command line's changes.
 *
 * @throws when there is neither or both, the preset is unknown, or the config holds no valid experiment
 */
export async function loadExperiment(
  config: string | undefined,
  preset: string | undefined,
  { data, seed, epsilon, epochs }: Overrides = {},
): Promise<Experiment> {
  if (config && preset) throw new Error('Give a config file or --preset, not both.');
  const experiment = preset ? presetNamed(preset) : await fromConfig(config ?? 'llr.config.ts');
  return defineExperiment({
    ...experiment,
    ...(data !== undefined && { data }),
    ...(seed !== undefined && { seed }),
    ...(epsilon !== undefined && { threat: { ...experiment.threat, epsilon } }),
    ...(epochs !== undefined && { train: { ...experiment.train, epochs } }),
  });
}

function presetNamed(name: string): Experiment {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset) return preset;
  throw new Error(`There is no preset "${name}". Presets: ${Object.keys(presets).join(', ')}.`);
}

async function fromConfig(file: string): Promise<Experiment> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new Error(
      `There is no config file ${file} here. Name one (llr train path/to/llr.config.ts) or choose a preset (llr train --preset ${Object.keys(presets)[0]}).`,
    );
  }
  const hint = 'export default defineExperiment({ … }).';
  const found = await importDefault(file, hint);
  if (typeof found !== 'object') throw new Error(`${file} exports no experiment. Write: ${hint}`);
  return found as Experiment;
}
