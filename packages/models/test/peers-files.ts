import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crossEntropy } from '@llr/core';
import { inputGradient } from '@llr/engine';
import {
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import type { ConfiguredClassifier, ModelConfig } from '../src/index.ts';
import { decodeSafetensors, encodeSafetensors } from '../src/weights/safetensors.ts';

/** What tools/oracle/peers.py wrote about one network: `peer.json`. */
export interface Case {
  readonly name: string;
  readonly folder: string;
  /** The options of the same network here; without any, the folder is for `loadModel`. */
  readonly ours: ModelConfig | null;
  readonly labels: readonly number[];
  /** Whether the network has neither ReLU nor max pooling, whose kinks magnify rounding errors. */
  readonly smooth: boolean;
  /** Of PyTorch's float32 against its float64. */
  readonly errorOfFloat32: Outcome<number>;
}

/** Of one batch, at the running statistics; the gradient is that of the summed cross-entropy. */
export interface Outcome<T> {
  readonly logits: T;
  readonly inputGradient: T;
}

export interface Batch {
  readonly images: Tensor4D;
  readonly labels: Tensor1D;
}

/** Every network that was written, in the folder's order. */
export const casesIn = (folder: string): Case[] =>
  readdirSync(folder).map((name) => {
    const description = JSON.parse(readFileSync(join(folder, name, 'peer.json'), 'utf8'));
    return { name, folder: join(folder, name), ...description };
  });

export function readArrays(file: string) {
  const arrays = decodeSafetensors(readFileSync(file), file);
  return (name: string) => arrays.get(name)!;
}

/** Images of that height and width, with their labels. */
export function trainingBatch(folder: string, size: number): Batch {
  const array = readArrays(join(folder, 'images', `${size}.safetensors`));
  return batchOf(array('images'), array('labels').values);
}

export const batchOf = (
  images: { readonly shape: readonly number[]; readonly values: Float32Array },
  labels: ArrayLike<number>,
): Batch => ({
  images: tensor4d(images.values, images.shape as Tensor4D['shape']),
  labels: tensor1d(Array.from(labels), 'int32'),
});

export function outcomeOf(
  model: ConfiguredClassifier,
  { images, labels }: Batch,
): Outcome<Float32Array> {
  return tidy(() => {
    const { gradient, extra } = inputGradient((at: Tensor4D) => {
      const { logits } = model.forward(at, 'running');
      return { value: crossEntropy(logits, labels), extra: { logits } };
    }, images);
    return { logits: floats(extra.logits), inputGradient: floats(gradient) };
  });
}

const floats = (tensor: Tensor) => tensor.dataSync() as Float32Array;

/** Which network of other people's takes the weights, and what stands around it: for tools/oracle/peers.py. */
export interface PeerDescription {
  readonly peer: {
    readonly peer: string;
    readonly depth: number;
    readonly [option: string]: unknown;
  };
  /** Normalisation outside of the peer's network. */
  readonly pixels: { readonly mean: readonly number[]; readonly std: readonly number[] } | null;
  /** Whether the outcome is another network's, so that the two must differ. */
  readonly control: boolean;
  readonly smooth: boolean;
}

/** Writes what this package computes, beside the weights. */
export async function writeOutcome(
  folder: string,
  description: PeerDescription,
  { images, labels }: Batch,
  { logits, inputGradient }: Outcome<Float32Array>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { shape } = images;
  const arrays = encodeSafetensors([
    { name: 'images', shape, values: floats(images) },
    { name: 'inputGradient', shape, values: inputGradient },
    { name: 'logits', shape: [shape[0], logits.length / shape[0]], values: logits },
  ]);
  await writeFile(join(folder, 'expected.safetensors'), Buffer.concat(arrays));
  const text = JSON.stringify({ ...description, labels: [...labels.dataSync()] }, null, 2);
  await writeFile(join(folder, 'peer.json'), `${text}\n`);
}

/** ‖found − expected‖ / ‖expected‖ */
export function relativeError(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.NaN;
  let [difference, whole] = [0, 0];
  for (const [i, value] of expected.entries()) {
    difference += (found[i]! - value) ** 2;
    whole += value ** 2;
  }
  return Math.sqrt(difference / whole);
}
