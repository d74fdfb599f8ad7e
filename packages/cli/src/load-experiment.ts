import { existsSync } from 'node:fs';
import {
  type Experiment,
  type PlainExperiment,
  presetNamed,
  presets,
  type Scale,
  withOverrides,
} from '@llr/train';
import { experimentIn, folderOf, readConfig } from './read-config.ts';

/** Which experiment the command line names, and what it changes about it. */
export interface ExperimentChoice {
  /** A module, YAML or JSON. Default: `llr.config.ts`, or what there is of that name. */
  config?: string | undefined;
  preset?: string | undefined;
  /** Of a preset. Default `'paper'`. */
  scale?: Scale | undefined;
  /** `train.batchSize=128`, in turn, after the changes below. */
  set?: readonly string[] | undefined;
  data?: string | undefined;
  seed?: number | undefined;
  epsilon?: number | undefined;
  epochs?: number | undefined;
}

/**
 * The experiment of a preset or of a config file, with the command line's changes.
 *
 * @throws when there is neither or both, the preset is unknown, a change leads nowhere, or the config holds no
 *   valid experiment
 */
export async function loadExperiment(choice: ExperimentChoice): Promise<Experiment> {
  const { config, preset, scale, set = [] } = choice;
  if (config !== undefined && preset !== undefined) {
    throw new Error('Give a config file or --preset, not both.');
  }
  if (scale !== undefined && preset === undefined) {
    throw new Error('--scale is of presets: give --preset too.');
  }
  if (preset !== undefined) {
    const { experiment } = presetNamed(preset, scale);
    return experimentIn(withOverrides(withFlags(experiment, choice), set), '.');
  }
  const file = configFileOf({ config })!;
  if (!existsSync(file)) throw noConfig(file);
  const hint = 'export default defineExperiment({ … }).';
  const found = await readConfig(file, hint);
  if (typeof found !== 'object') throw new Error(`${file} exports no experiment. Write: ${hint}`);
  const changed = withOverrides(withFlags(found as PlainExperiment, choice), set);
  return experimentIn(changed, folderOf(file));
}

/** The file that a choice's experiment is in; none, where it is a preset. */
export const configFileOf = ({ config, preset }: ExperimentChoice): string | undefined =>
  preset === undefined
    ? (config ?? configNames.find((name) => existsSync(name)) ?? 'llr.config.ts')
    : undefined;

const withFlags = (
  experiment: PlainExperiment,
  { data, seed, epsilon, epochs }: ExperimentChoice,
): PlainExperiment => ({
  ...experiment,
  ...(data !== undefined && { data }),
  ...(seed !== undefined && { seed }),
  ...(epsilon !== undefined && { threat: { ...experiment.threat, epsilon } }),
  ...(epochs !== undefined && { train: { ...experiment.train, epochs } }),
});

const configNames = ['ts', 'mts', 'js', 'mjs', 'yaml', 'yml', 'json'].map(
  (extension) => `llr.config.${extension}`,
);

const noConfig = (file: string): Error =>
  new Error(
    `There is no config file ${file} here. Name one (llr train path/to/llr.config.ts) or choose a preset (llr train --preset ${Object.keys(presets)[0]}).`,
  );
