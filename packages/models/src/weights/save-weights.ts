import type { NamedVariable } from '../configured-classifier.ts';
import { fileShape, toFile } from './layout.ts';
import type { Naming } from './naming.ts';
import { cifarResNet } from './namings/cifar-resnet.ts';
import { deepMindWideResNet } from './namings/deepmind-wide-resnet.ts';
import { ownNaming } from './namings/own.ts';
import { torchvisionResNet } from './namings/torchvision-resnet.ts';
import { pytorchWideResNet } from './namings/wide-resnet.ts';
import { firstNotFinite, listed, notFinite } from './problems.ts';
import { bytesOf } from './safetensors.ts';
import { encodeHeader } from './safetensors-header.ts';
import { configOf, variablesOf, type WeightsOwner } from './weights-owner.ts';
import { writeWhole } from './write-whole.ts';

export interface SaveOptions {
  /**
   * `'own'` (the default): the network's names and layout. `'pytorch'`: those of the PyTorch code that computes
   * the same: torchvision's and timm's ResNet (with `stem: 'cifar'`, pytorch-cifar's and RobustBench's), the
   * WideResNet of TRADES and RobustBench (with `padding: 'same'`, DeepMind's).
   */
  naming?: 'own' | 'pytorch';
}

/**
 * Saves a network's parameters and running statistics as a safetensors file of float32. The file is written
 * whole or not at all, a tensor at a time.
 *
 * @param model - this package's, or any `TrainableClassifier`
 * @throws when a value is NaN or infinite, two variables have the same name, or no PyTorch code is known that
 *   computes the same; an older file stays as it was then
 */
export async function saveWeights(
  model: WeightsOwner,
  file: string,
  options: SaveOptions = {},
): Promise<void> {
  await writeWhole(file, weightsFile(model, options));
}

/**
 * The bytes of a network's weights file, in parts.
 *
 * @throws as `saveWeights` does, at once or when all parts have been taken
 */
export function weightsFile(
  model: WeightsOwner,
  { naming: choice = 'own' }: SaveOptions = {},
): AsyncIterable<Uint8Array> {
  if (choice !== 'own' && choice !== 'pytorch') {
    throw new RangeError(`naming must be 'own' or 'pytorch'; got ${JSON.stringify(choice)}.`);
  }
  const naming = choice === 'own' ? ownNaming : pytorchNamingOf(model);
  const tensors = variablesOf(model).map(({ name, variable }) => ({
    name: fileName(naming, name, model),
    dtype: 'F32',
    shape: fileShape(naming.layout, variable.shape),
    variable,
  }));
  // The wider numbers come first, so that every tensor begins at a multiple of its width.
  const counters = naming === ownNaming ? [] : batchCounters(tensors.map(({ name }) => name));
  const metadata = naming === ownNaming ? undefined : { format: 'pt' };
  return parts(model, naming, encodeHeader([...counters, ...tensors], metadata), counters, tensors);
}

async function* parts(
  model: WeightsOwner,
  { layout }: Naming,
  header: Uint8Array,
  counters: readonly unknown[],
  tensors: readonly NamedVariable[],
): AsyncGenerator<Uint8Array> {
  yield header;
  yield new Uint8Array(8 * counters.length);
  const problems: string[] = [];
  for (const { name, variable } of tensors) {
    const values = (await variable.data()) as Float32Array;
    const at = firstNotFinite(values);
    if (at >= 0) problems.push(notFinite(name, values[at], at));
    if (problems.length === 0) yield bytesOf(toFile(layout, values, variable.shape));
  }
  if (problems.length > 0) {
    throw new Error(`The weights of ${model.name} can't be saved.${listed(problems)}`);
  }
}

/** PyTorch's batch norm counts its batches; nothing uses the number, but its loaders expect one. */
const batchCounters = (names: readonly string[]) =>
  names
    .filter((name) => name.endsWith('.running_mean'))
    .map((name) => ({
      name: name.replace(/running_mean$/, 'num_batches_tracked'),
      dtype: 'I64',
      shape: [],
    }));

function fileName(naming: Naming, own: string, model: WeightsOwner): string {
  const name = naming.theirName(own);
  if (name === undefined) throw new Error(`${model.name}: ${own} has no name in PyTorch.`);
  return name;
}

/** The names of the code that computes what this network computes. */
function pytorchNamingOf(model: WeightsOwner): Naming {
  const config = configOf(model);
  const refuse = (why: string) =>
    new Error(`${model.name} can't be saved with naming: 'pytorch': ${why}.`);
  if (config?.architecture === 'wide-resnet') {
    return config.padding === 'same' ? deepMindWideResNet : pytorchWideResNet;
  }
  if (config?.architecture === 'resnet') {
    if (config.padding === 'same') {
      throw refuse("no PyTorch code is known whose ResNet has padding: 'same'");
    }
    return config.stem === 'cifar' ? cifarResNet : torchvisionResNet;
  }
  throw refuse('PyTorch names are known of wideResNet and resNet only; save it under its own');
}
