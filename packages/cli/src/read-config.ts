import { readFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { type Experiment, experimentFrom, type PlainExperiment, parseExperiment } from '@llr/train';
import { importBeside, importDefault } from './load-module.ts';

const plainExtensions = ['.yaml', '.yml', '.json'];

/**
 * What a config file holds: the default export of a module, or the data of a YAML or JSON file.
 *
 * @param hint - what to write, for the error when a module has no default export
 * @throws when there is no such file, or it can't be read
 */
export async function readConfig(file: string, hint: string): Promise<unknown> {
  if (!plainExtensions.includes(extname(file))) return importDefault(file, hint);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error(`There is no file ${file}.`) : error;
  });
  return parseExperiment(text, file);
}

/**
 * The experiment that the contents of a config are, its plain parts made.
 *
 * @param folder - of the config, from which the modules that it names are loaded
 * @throws when it is no valid experiment
 */
export const experimentIn = (config: unknown, folder: string): Promise<Experiment> =>
  experimentFrom(config as PlainExperiment, { load: (module) => importBeside(folder, module) });

/** The folder that a config's modules are relative to. */
export const folderOf = (file: string): string => dirname(file);
