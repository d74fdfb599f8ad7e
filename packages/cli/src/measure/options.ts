import { type Command, InvalidArgumentError } from 'commander';
import type { EvaluationSetting } from '../eval/what-to-evaluate.ts';
import {
  dataOption,
  engineOption,
  epsilonNumber,
  epsilonOption,
  jsonOption,
  normOption,
  seedNumber,
  threadsOption,
  wholeNumber,
} from '../options.ts';
import type { EngineChoice } from '../start-engine.ts';

/** A form in which a measurement is written. */
export type Format = 'json' | 'csv' | 'svg' | 'png';

const formats: readonly Format[] = ['json', 'csv', 'svg', 'png'];

/** What every command that measures networks takes. */
export interface MeasureOptions extends EngineChoice, EvaluationSetting {
  config?: string;
  batchSize?: number;
  formats: readonly Format[];
  out?: string;
  json?: boolean;
}

/** What those take that search for a perturbation themselves. */
export interface SearchOptions extends MeasureOptions {
  steps: number;
  stepSize: number;
}

/** Puts the networks and options of every command that measures networks on one. */
export function measuresNetworks(command: Command): Command {
  return command
    .argument(
      '[what...]',
      'runs of llr train or folders of them; model folders; a model.json of TensorFlow.js; weights (.safetensors) of what --config builds: as llr eval takes them',
    )
    .option(
      '--config <file>',
      'the experiment that built the network, or a file that exports a classifier or a function that makes one',
    )
    .addOption(dataOption('the images, for a run other ones than its own'))
    .addOption(epsilonOption())
    .addOption(normOption())
    .option('--batch-size <number>', 'images in one pass (default: by their size)', wholeNumber)
    .option('--seed <number>', "another seed than the run's, or 0", seedNumber)
    .option(
      '--formats <names>',
      `what is written, comma-separated: ${formats.join(', ')} (default: all)`,
      formatList,
      formats,
    )
    .option(
      '--out <folder>',
      "where the files go (default: each network's own folder, figures of several in the first that was named)",
    )
    .addOption(engineOption())
    .addOption(threadsOption())
    .addOption(jsonOption());
}

/** Puts the options of a search on a command. */
export const searches = (command: Command): Command =>
  command
    .option('--steps <number>', 'Adam steps of the search', wholeNumber, 50)
    .option('--step-size <number>', 'of the search, in pixel units', stepSizeNumber, 0.1);

/** A step: 0.1 or 8/255. */
function stepSizeNumber(text: string): number {
  const value = epsilonNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('It must be above 0.');
}

/** `json,png`. */
function formatList(text: string): Format[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(formats as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `There is no format "${unknown}". Formats: ${formats.join(', ')}.`,
    );
  }
  return names as Format[];
}

/** `126` or `0,5,126`: images by their numbers. */
export function imageList(text: string): number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
    throw new InvalidArgumentError('It must be whole numbers from 0: 126 or 0,5,126.');
  }
  return numbers;
}
