import { createHash } from 'node:crypto';
import { type Tensor, tensor, tidy, transpose } from '@tensorflow/tfjs-core';
import type { WeightsOwner } from '../src/index.ts';

/** A tensor as it lies in a file. */
export interface StoredArray {
  name: string;
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

/** The bytes of a safetensors file, made without the code under test. */
export function safetensors(
  header: object | string,
  data: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

/** A file of these tensors, one after the other. */
export function fileOf(arrays: readonly StoredArray[], metadata?: object): Uint8Array {
  let end = 0;
  const entries = arrays.map(({ name, dtype, shape, bytes }) => {
    const begin = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const header = Object.fromEntries([
    ...(metadata ? [['__metadata__', metadata] as const] : []),
    ...entries,
  ]);
  return safetensors(header, Buffer.concat(arrays.map(({ bytes }) => bytes)));
}

export function float32(
  name: string,
  values: Float32Array | number[],
  shape: readonly number[] = [values.length],
): StoredArray {
  const { buffer } = new Float32Array(values);
  return { name, dtype: 'F32', shape, bytes: new Uint8Array(buffer) };
}

/** What PyTorch's batch norm keeps beside its statistics. */
const batchCounter = (name: string): StoredArray => ({
  name,
  dtype: 'I64',
  shape: [],
  bytes: new Uint8Array(8),
});

export const allVariables = ({ parameters, runningStatistics = [] }: WeightsOwner) => [
  ...parameters,
  ...runningStatistics,
];

/** A hash of every variable's bits, to compare networks by. */
export const digests = (model: WeightsOwner) =>
  Object.fromEntries(
    allVariables(model).map(({ name, variable }) => [
      name,
      createHash('sha256')
        .update(variable.dataSync() as Float32Array)
        .digest('hex'),
    ]),
  );

/** Fills every variable, so that no two networks and no two tensors of one agree. */
export function scramble(model: WeightsOwner, seed: number): void {
  for (const [i, { variable }] of allVariables(model).entries()) {
    const values = new Float32Array(variable.size);
    const from = seed * 7919 + i * 104729;
    for (let j = 0; j < values.length; j++) values[j] = 0.05 + ((from + j * 31) % 1009) / 1009;
    tidy(() => variable.assign(tensor(values, variable.shape)));
  }
}

/** A network's weights as PyTorch code has them: `names` says which name is whose. */
export function pytorchFile(
  model: WeightsOwner,
  names: readonly (readonly [theirs: string, own: string])[],
): StoredArray[] {
  const variables = new Map(allVariables(model).map(({ name, variable }) => [name, variable]));
  return names.flatMap(([theirs, own]) => {
    const variable = variables.get(own);
    if (!variable) throw new Error(`${model.name} has no ${own}`);
    variables.delete(own);
    const order = { 4: [3, 2, 0, 1], 2: [1, 0], 1: [0] }[variable.rank as 1 | 2 | 4];
    const theirLayout = tidy(() => transpose(variable as Tensor, order));
    const values = theirLayout.dataSync() as Float32Array;
    theirLayout.dispose();
    const array = float32(theirs, values, theirLayout.shape);
    const counter = theirs.endsWith('.running_var')
      ? [batchCounter(theirs.replace('running_var', 'num_batches_tracked'))]
      : [];
    return [array, ...counter];
  });
}

type Names = (readonly [theirs: string, own: string])[];

const conv = (theirs: string, own: string): Names => [[`${theirs}.weight`, `${own}/filter`]];
const linear = (theirs: string, own: string): Names => [
  [`${theirs}.weight`, `${own}/weights`],
  [`${theirs}.bias`, `${own}/bias`],
];
const bn = (theirs: string, own: string): Names => [
  [`${theirs}.weight`, `${own}/scale`],
  [`${theirs}.bias`, `${own}/offset`],
  [`${theirs}.running_mean`, `${own}/running-mean`],
  [`${theirs}.running_var`, `${own}/running-variance`],
];

/** The state_dict of WideResNet in TRADES and RobustBench, with n blocks a group. */
export function wideResNetNames(n: number, widthFactor: number): Names {
  const names = [...conv('conv1', 'stem')];
  for (let group = 1; group <= 3; group++) {
    for (let i = 0; i < n; i++) {
      const [theirs, own] = [`block${group}.layer.${i}`, `group-${group}/block-${i + 1}`];
      names.push(
        ...bn(`${theirs}.bn1`, `${own}/norm-1`),
        ...conv(`${theirs}.conv1`, `${own}/conv-1`),
      );
      names.push(
        ...bn(`${theirs}.bn2`, `${own}/norm-2`),
        ...conv(`${theirs}.conv2`, `${own}/conv-2`),
      );
      if (i === 0 && (group > 1 || widthFactor > 1)) {
        names.push(...conv(`${theirs}.convShortcut`, `${own}/projection`));
      }
    }
  }
  return [...names, ...bn('bn1', 'norm'), ...linear('fc', 'logits')];
}

/** The state_dict of DMWideResNet. */
export function deepMindNames(n: number, widthFactor: number): Names {
  const names = [...conv('init_conv', 'stem')];
  for (let group = 0; group < 3; group++) {
    for (let i = 0; i < n; i++) {
      const [theirs, own] = [`layer.${group}.block.${i}`, `group-${group + 1}/block-${i + 1}`];
      for (const part of [0, 1]) {
        names.push(...bn(`${theirs}.batchnorm_${part}`, `${own}/norm-${part + 1}`));
        names.push(...conv(`${theirs}.conv_${part}`, `${own}/conv-${part + 1}`));
      }
      if (i === 0 && (group > 0 || widthFactor > 1)) {
        names.push(...conv(`${theirs}.shortcut`, `${own}/projection`));
      }
    }
  }
  return [...names, ...bn('batchnorm', 'norm'), ...linear('logits', 'logits')];
}

const resNetBlocks = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
} as const;
export type Depth = keyof typeof resNetBlocks;

const convolutionsOf = (depth: Depth) => (depth < 50 ? 2 : 3);
const hasProjection = (depth: Depth, stage: number, block: number) =>
  block === 1 && (stage > 1 || depth >= 50);

/** The state_dict of torchvision's and timm's ResNet, or with other names of shortcut and last layer. */
export function resNetNames(depth: Depth, shortcut = 'downsample', last = 'fc'): Names {
  const names = [...conv('conv1', 'stem/conv'), ...bn('bn1', 'stem/norm')];
  for (const [s, blocks] of resNetBlocks[depth].entries()) {
    for (let b = 0; b < blocks; b++) {
      const [theirs, own] = [`layer${s + 1}.${b}`, `stage-${s + 1}/block-${b + 1}`];
      for (let i = 1; i <= convolutionsOf(depth); i++) {
        names.push(...conv(`${theirs}.conv${i}`, `${own}/conv-${i}`));
        names.push(...bn(`${theirs}.bn${i}`, `${own}/norm-${i}`));
      }
      if (!hasProjection(depth, s + 1, b + 1)) continue;
      names.push(...conv(`${theirs}.${shortcut}.0`, `${own}/projection/conv`));
      names.push(...bn(`${theirs}.${shortcut}.1`, `${own}/projection/norm`));
    }
  }
  return [...names, ...linear(last, 'logits')];
}

/** The state_dict of transformers' ResNetForImageClassification. */
export function transformersNames(depth: Depth): Names {
  const unit = (theirs: string, convolution: string, norm: string): Names => [
    ...conv(`${theirs}.convolution`, convolution),
    ...bn(`${theirs}.normalization`, norm),
  ];
  const names = unit('resnet.embedder.embedder', 'stem/conv', 'stem/norm');
  for (const [s, blocks] of resNetBlocks[depth].entries()) {
    for (let b = 0; b < blocks; b++) {
      const own = `stage-${s + 1}/block-${b + 1}`;
      const theirs = `resnet.encoder.stages.${s}.layers.${b}`;
      if (hasProjection(depth, s + 1, b + 1)) {
        names.push(
          ...unit(`${theirs}.shortcut`, `${own}/projection/conv`, `${own}/projection/norm`),
        );
      }
      for (let i = 0; i < convolutionsOf(depth); i++) {
        names.push(...unit(`${theirs}.layer.${i}`, `${own}/conv-${i + 1}`, `${own}/norm-${i + 1}`));
      }
    }
  }
  return [...names, ...linear('classifier.1', 'logits')];
}
