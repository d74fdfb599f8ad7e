import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Classifier } from '@llr/core';
import { fromGraphModel, fromLayersModel, type GraphModelLike } from '@llr/models';
import { io } from '@tensorflow/tfjs-core';

/**
 * A model that TensorFlow.js saved, from its `model.json` and the files with weights that it names: a LayersModel or a
 * GraphModel, whichever it is.
 *
 * @returns the classifier, and the files it was read from
 * @throws when the file is no model, weights are missing, or the model is no image classifier; when the package that
 *   reads such models isn't installed
 */
export async function loadTfjsModel(
  file: string,
): Promise<{ classifier: Classifier; files: string[] }> {
  const model = await modelJson(file);
  const paths = (model.weightsManifest ?? []).flatMap((group) => group.paths);
  const files = [file, ...paths.map((path) => join(dirname(file), path))];
  const artifacts = await io.getModelArtifactsForJSON(model, async (manifest) => [
    manifest.flatMap((group) => group.weights),
    await joined(files.slice(1), file),
  ]);
  const name = basename(dirname(resolve(file))) || 'model';
  const handler = { load: async () => artifacts };
  try {
    if (isGraph(model)) {
      const { loadGraphModel } = await optional(
        'tfjs-converter',
        () => import('@tensorflow/tfjs-converter'),
      );
      const loaded = await loadGraphModel(handler);
      return { classifier: fromGraphModel(loaded as unknown as GraphModelLike, { name }), files };
    }
    const { loadLayersModel } = await optional(
      'tfjs-layers',
      () => import('@tensorflow/tfjs-layers'),
    );
    return { classifier: fromLayersModel(await loadLayersModel(handler), { name }), files };
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

async function modelJson(file: string): Promise<io.ModelJSON> {
  let found: Partial<io.ModelJSON> | null;
  try {
    found = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} can't be read: ${(error as Error).message}`, { cause: error });
  }
  if (typeof found?.modelTopology !== 'object') {
    throw new Error(`${file} is no model of TensorFlow.js: it has no modelTopology.`);
  }
  return found as io.ModelJSON;
}

/** Older files don't say it; the topology of a graph is a list of nodes. */
const isGraph = ({ format, modelTopology }: io.ModelJSON): boolean =>
  format === 'graph-model' || 'node' in modelTopology;

async function joined(files: readonly string[], model: string): Promise<ArrayBuffer> {
  const parts = [];
  for (const file of files) {
    parts.push(
      await readFile(file).catch((error: NodeJS.ErrnoException) => {
        const why = error.code === 'ENOENT' ? 'is not there' : `can't be read: ${error.message}`;
        throw new Error(`${model} names ${file} for its weights, which ${why}.`, { cause: error });
      }),
    );
  }
  const { buffer, byteOffset, byteLength } = Buffer.concat(parts);
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

async function optional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(name)) throw cause;
    throw new Error(
      `reading it takes @tensorflow/${name}, which is not installed: npm install @tensorflow/${name}`,
      { cause },
    );
  }
}
