import { access, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfiguredClassifier, ModelConfig } from '../configured-classifier.ts';
import { createModel } from '../create-model.ts';
import { withoutInitialWeights } from '../network-builder.ts';
import { type ForeignConfig, object } from './configs/foreign-config.ts';
import { timmConfig } from './configs/timm.ts';
import { transformersConfig } from './configs/transformers.ts';
import { loadWeights } from './load-weights.ts';
import { type SaveOptions, weightsFile } from './save-weights.ts';
import type { WeightsOwner } from './weights-owner.ts';
import { replaceFile, writeWhole } from './write-whole.ts';

const files = { config: 'config.json', weights: 'model.safetensors' };
const foreignConfigs: readonly ForeignConfig[] = [timmConfig, transformersConfig];

/**
 * Saves a network in a folder, which is made if need be: `model.safetensors`, and for one of this package's
 * networks `config.json`, from which `loadModel` rebuilds it. Each file is written whole or not at all.
 *
 * @throws as `saveWeights` does
 */
export async function saveModel(
  model: WeightsOwner & { readonly config?: ModelConfig },
  folder: string,
  options: SaveOptions = {},
): Promise<void> {
  const weights = weightsFile(model, options);
  await mkdir(folder, { recursive: true });
  const config = join(folder, files.config);
  // The description goes first and comes last, so that it never stands beside another network's weights.
  await replaceFile(join(folder, files.weights), weights, () => rm(config, { force: true }));
  if (!model.config) return;
  const json = `${JSON.stringify(model.config, null, 2)}\n`;
  await writeWhole(config, [new TextEncoder().encode(json)]);
}

/**
 * Rebuilds the network that is in a folder: one that `saveModel` saved, or a ResNet as Hugging Face has it,
 * of timm or of transformers (`config.json`, `model.safetensors` and transformers' `preprocessor_config.json`).
 *
 * @returns the network, which the caller owns: free it by `dispose()`
 * @throws when the folder has no `config.json`, or one that is not understood (an unknown architecture or
 *   option), and as `loadWeights` does
 */
export async function loadModel(folder: string): Promise<ConfiguredClassifier> {
  const model = await fromConfig(folder);
  try {
    await loadWeights(model, await weightsIn(folder));
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

async function fromConfig(folder: string): Promise<ConfiguredClassifier> {
  const file = join(folder, files.config);
  try {
    const config: unknown = JSON.parse(await readFile(file, 'utf8'));
    const foreign = foreignConfigs.find(({ isOf }) => isOf(object(config)));
    const readBeside = async (name: string) =>
      object(JSON.parse(await readFile(join(folder, name), 'utf8')));
    const options = foreign ? await foreign.options(object(config), readBeside) : config;
    return withoutInitialWeights(() => createModel(options));
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && path === file) {
      throw new Error(
        `There is no ${file}, so the network can't be rebuilt. Build it yourself, then load ${files.weights} by loadWeights.`,
      );
    }
    throw new Error(`${file}: ${message}`, { cause: error });
  }
}

/** The safetensors file, or else PyTorch's own, which `loadWeights` refuses with what to do. */
async function weightsIn(folder: string): Promise<string> {
  const weights = join(folder, files.weights);
  const pickled = join(folder, 'pytorch_model.bin');
  const exists = (file: string) =>
    access(file).then(
      () => true,
      () => false,
    );
  return !(await exists(weights)) && (await exists(pickled)) ? pickled : weights;
}
