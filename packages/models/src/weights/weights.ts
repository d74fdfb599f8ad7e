import { readFile } from 'node:fs/promises';
import type { TrainableClassifier } from '@llr/core';
import { tensor, tidy } from '@tensorflow/tfjs-core';
import type { NamedVariable } from '../configured-classifier.ts';
import { decodeSafetensors, encodeSafetensors, type NamedArray } from './safetensors.ts';
import { writeWhole } from './write-whole.ts';

/** Any trainable classifier; its running statistics, where it has some, are part of its weights. */
export type WeightsOwner = Pick<TrainableClassifier, 'name' | 'parameters'> & {
  readonly runningStatistics?: readonly NamedVariable[];
};

/**
 * Saves a network's parameters and running statistics as a safetensors file of float32, under the
 * network's own names. The file is written whole or not at all.
 *
 * @param model - this package's, or any `TrainableClassifier`
 * @throws when a value is NaN or infinite, or two variables have the same name; nothing is written then
 */
export async function saveWeights(model: WeightsOwner, file: string): Promise<void> {
  await writeWhole(file, await encodeWeights(model));
}

/**
 * The bytes of a network's weights file, in parts.
 *
 * @throws as `saveWeights` does
 */
export async function encodeWeights(model: WeightsOwner): Promise<Uint8Array[]> {
  const arrays = await Promise.all(
    variablesOf(model).map(async ({ name, variable }) => ({
      name,
      shape: variable.shape,
      values: (await variable.data()) as Float32Array,
    })),
  );
  const problems = notFinite(arrays);
  if (problems.length > 0) {
    throw new Error(`The weights of ${model.name} can't be saved.${list(problems)}`);
  }
  return encodeSafetensors(arrays);
}

/**
 * Loads what `saveWeights` saved into a network of the same architecture.
 *
 * @throws one error with everything that doesn't fit (tensors missing, extra, of another shape, NaN or
 *   infinite), or one saying why the file can't be read; the network is unchanged then
 */
export async function loadWeights(model: WeightsOwner, file: string): Promise<void> {
  const arrays = decodeSafetensors(await readFile(file), file);
  const variables = variablesOf(model);
  const problems = [...misfits(variables, arrays), ...notFinite([...arrays.values()])];
  if (problems.length > 0) {
    throw new Error(`${file} doesn't fit the network ${model.name}.${list(problems)}`);
  }
  for (const { name, variable } of variables) {
    tidy(() => variable.assign(tensor(arrays.get(name)!.values, variable.shape)));
  }
}

function variablesOf(model: WeightsOwner): readonly NamedVariable[] {
  const variables = [...model.parameters, ...(model.runningStatistics ?? [])];
  const names = new Set<string>();
  for (const { name } of variables) {
    if (names.has(name)) throw new Error(`${model.name} has two variables named ${name}.`);
    names.add(name);
  }
  return variables;
}

function misfits(
  variables: readonly NamedVariable[],
  arrays: ReadonlyMap<string, NamedArray>,
): string[] {
  const known = new Set(variables.map(({ name }) => name));
  const own = variables.flatMap(({ name, variable }) => {
    const array = arrays.get(name);
    if (!array) return [`missing: ${name} [${variable.shape.join(', ')}]`];
    const [found, expected] = [array.shape.join(', '), variable.shape.join(', ')];
    return found === expected ? [] : [`shape: ${name} is [${found}], not [${expected}]`];
  });
  const extra = [...arrays.values()]
    .filter(({ name }) => !known.has(name))
    .map(({ name, shape }) => `extra: ${name} [${shape.join(', ')}]`);
  return [...own, ...extra];
}

const notFinite = (arrays: readonly NamedArray[]): string[] =>
  arrays.flatMap(({ name, values }) => {
    const at = values.findIndex((value) => !Number.isFinite(value));
    return at < 0 ? [] : [`not finite: ${name} (${values[at]} at element ${at})`];
  });

const list = (problems: readonly string[]) => problems.map((problem) => `\n  ${problem}`).join('');
