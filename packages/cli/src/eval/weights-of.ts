import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Classifier, TrainableClassifier } from '@llr/core';
import { sha256OfFile } from '@llr/datasets';
import { type Tensor, type Tensor4D, tidy, truncatedNormal } from '@tensorflow/tfjs-core';

/** SHA-256 of files, by their names. */
export async function sha256Of(files: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of files) found[basename(file)] = await sha256OfFile(file);
  return found;
}

/** Of the files of a model's folder. */
export const sha256OfModel = (folder: string): Promise<Record<string, string>> =>
  sha256Of(
    ['config.json', 'preprocessor_config.json', 'model.safetensors']
      .map((name) => join(folder, name))
      .filter((file) => existsSync(file)),
  );

/**
 * What tells a network in memory from others: its arrays, or of one that doesn't show them, what it makes of a few
 * images of noise.
 */
export async function weightsOf(classifier: Classifier): Promise<Record<string, string>> {
  const { parameters, runningStatistics = [] } = classifier as Partial<TrainableClassifier>;
  if (parameters) {
    const variables = [...parameters, ...runningStatistics].map(({ variable }) => variable);
    return { parameters: sha256OfArrays(await values(variables)) };
  }
  const logits = tidy(() => {
    const noise = truncatedNormal([4, ...classifier.inputShape], 0.5, 0.2, 'float32', 1);
    return classifier.freeze('running')(noise as Tensor4D);
  });
  try {
    return { 'logits of noise': sha256OfArrays(await values([logits])) };
  } finally {
    logits.dispose();
  }
}

async function values(tensors: readonly Tensor[]): Promise<Float32Array[]> {
  const found = [];
  for (const tensor of tensors) found.push((await tensor.data()) as Float32Array);
  return found;
}

/** Of arrays, one after the other. */
function sha256OfArrays(arrays: Iterable<Float32Array>): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of arrays) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}
