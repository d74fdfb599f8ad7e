import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createModel, loadWeights } from '@llr/models';
import { mul, sign, sub, tensor, tensor1d } from '@tensorflow/tfjs-core';
import { readArrays } from '../safetensors.mjs';

export const readWorkload = (folder) =>
  JSON.parse(readFileSync(join(folder, 'workload.json'), 'utf8'));

export const classifierOf = ({ architecture, depth, widthFactor, size, classes }) =>
  createModel({
    architecture,
    depth,
    ...(widthFactor && { widthFactor }),
    numClasses: classes,
    inputShape: [size, size, 3],
  });

/** The workload, its network and its inputs. */
export async function problemIn(folder) {
  const workload = readWorkload(folder);
  const classifier = classifierOf(workload);
  await loadWeights(classifier, join(folder, 'weights.safetensors'));
  const { labels, ...arrays } = readArrays(join(folder, 'inputs.safetensors'));
  const tensors = Object.entries(arrays).map(([name, { shape, values }]) => [
    name,
    tensor(values, shape),
  ]);
  return {
    workload,
    classifier,
    labels: tensor1d(Int32Array.from(labels.values), 'int32'),
    ...Object.fromEntries(tensors),
  };
}

/**
 * δ as large as the ball allows, where g is large beside float32's rounding: bright values brighter, dark ones
 * darker.
 */
export const cornerOf = (images, threat, epsilon) =>
  threat.project(mul(sign(sub(images, 0.5)), epsilon), images);

export const arrayOf = (of) => ({ shape: of.shape, values: of.dataSync().slice() });
