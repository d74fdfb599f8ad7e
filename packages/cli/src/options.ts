import { dataUsages } from '@llr/datasets';
import { engineNames } from '@llr/engine/node';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** `--engine`, on every command that computes. */
export const engineOption = () =>
  new Option(
    '--engine <name>',
    'the TensorFlow to run on (default: the fastest that loads)',
  ).choices([...engineNames]);

/** `--threads`, on every command that computes at length. */
export const threadsOption = () =>
  new Option(
    '--threads <number>',
    'threads the engine computes with (default: one for each core)',
  ).argParser(wholeNumber);

/** `--json`, on every command. */
export const jsonOption = () => new Option('--json', 'print the result as JSON, for machines');

/** `--data`, on every command that takes other images than those of a config or run: `what` they are. */
export const dataOption = (what: string) =>
  new Option(
    '--data <spec>',
    `${what}: ${dataUsages.join(', ')}; CIFAR without a path is what llr data get downloaded`,
  );

/** `--epsilon`, on every command that takes networks with or without a run. */
export const epsilonOption = () =>
  new Option(
    '--epsilon <number>',
    'images being in [0, 1]: 0.1 or 8/255; of a run, another ε than its own',
  ).argParser(epsilonNumber);

/** `--norm`, on the same commands. */
export const normOption = () =>
  new Option('--norm <name>', "of the perturbation (default: the run's, else linf)").choices([
    'linf',
    'l2',
  ]);

/** A whole number above 0. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  }
  return value;
}

/** A seed: a whole number, 0 or more. */
export function seedNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError('It must be a whole number, 0 or more.');
  }
  return value;
}

/** An ε as people write it: `0.1` or `8/255`. */
export function epsilonNumber(text: string): number {
  const [numerator, denominator = '1', ...rest] = text.split('/');
  const value = Number(numerator) / Number(denominator);
  if (rest.length > 0 || numerator?.trim() === '' || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It must be a number such as 0.1 or 8/255.');
  }
  return value;
}

/** Puts examples under a command's help. */
export const withExamples = (command: Command, examples: readonly string[]): Command =>
  command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`);
