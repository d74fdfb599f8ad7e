import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfiguredClassifier, ModelConfig } from '../configured-classifier.ts';
import { createModel } from '../create-model.ts';
import { encodeWeights, loadWeights, type WeightsOwner } from './weights.ts';
import { writeWhole } from './write-whole.ts';

const files = { config: 'config.json', weights: 'model.safetensors' };

/**
 * Saves a network in a folder, which is made if need be: `model.safetensors`, and for one of this package's
 * networks `config.json`, from which `loadModel` rebuilds it. Each file is written whole or not at all.
 *
 * @throws as `saveWeights` does
 */
export async function saveModel(
  model: WeightsOwner & { readonly config?: ModelConfig },
  folder: string,
): Promise<void> {
  const weights = await encodeWeights(model);
  await mkdir(folder, { recursive: true });
  const config = join(folder, files.config);
  // The description is the last to come, so that it never stands beside another network's weights.
  await rm(config, { force: true });
  await writeWhole(join(folder, files.weights), weights);
  if (!model.config) return;
  const json = `${JSON.stringify(model.config, null, 2)}\n`;
  await writeWhole(config, [new TextEncoder().encode(json)]);
}

/**
 * Rebuilds the network that `saveModel` saved in a folder.
 *
 * @returns the network, which the caller owns: free it by `dispose()`
 * @throws when the folder has no `config.json`, or one that is not understood (an unknown architecture or
 *   option), and as `loadWeights` does
 */
export async function loadModel(folder: string): Promise<ConfiguredClassifier> {
  const model = await fromConfig(join(folder, files.config));
  try {
    await loadWeights(model, join(folder, files.weights));
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

async function fromConfig(file: string): Promise<ConfiguredClassifier> {
  try {
    return createModel(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new Error(
        `There is no ${file}, so the network can't be rebuilt. Build it yourself, then load ${files.weights} by loadWeights.`,
      );
    }
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}
