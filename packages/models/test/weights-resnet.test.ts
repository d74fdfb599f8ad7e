import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ConfiguredClassifier,
  loadModel,
  loadWeights,
  type ResNetOptions,
  resNet,
  saveWeights,
  wideResNet,
} from '../src/index.ts';
import { withoutInitialWeights } from '../src/network-builder.ts';
import { timmConfig } from '../src/weights/configs/timm.ts';
import { transformersConfig } from '../src/weights/configs/transformers.ts';
import { cifarResNet } from '../src/weights/namings/cifar-resnet.ts';
import { torchvisionResNet } from '../src/weights/namings/torchvision-resnet.ts';
import { transformersResNet } from '../src/weights/namings/transformers-resnet.ts';
import {
  allVariables,
  type Depth,
  digests,
  fileOf,
  float32,
  pytorchFile,
  resNetNames,
  type StoredArray,
  scramble,
  transformersNames,
} from './weights-fixture.ts';
import { weightsFolder } from './weights-folder.ts';

const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const options = { depth: 18, numClasses: 3, inputShape: [32, 32, 3], activation: 'relu' } as const;
// Eleven million weights take a while: each network is made once, and filled anew.
const networks = new Map<string, ConfiguredClassifier>();
const net = (change: Partial<ResNetOptions> = {}, seed = 2) => {
  const key = JSON.stringify(change) + (seed === 1);
  const model = networks.get(key) ?? withoutInitialWeights(() => resNet({ ...options, ...change }));
  networks.set(key, model);
  scramble(model, seed);
  return model;
};

const { folder, file } = weightsFolder('model.safetensors');
afterAll(() => {
  for (const model of networks.values()) model.dispose();
});

const write = (arrays: readonly StoredArray[]) => writeFile(file, fileOf(arrays, { format: 'pt' }));

const peers = [
  { peer: 'torchvision', stem: 'imagenet', naming: torchvisionResNet, names: resNetNames },
  {
    peer: 'pytorch-cifar',
    stem: 'cifar',
    naming: cifarResNet,
    names: (depth: Depth) => resNetNames(depth, 'shortcut', 'linear'),
  },
  { peer: 'transformers', stem: 'imagenet', naming: transformersResNet, names: transformersNames },
] as const;

describe.each(peers)('a ResNet of $peer', ({ peer, stem, naming, names }) => {
  it.each([18, 34, 50, 101, 152] as const)('has known names at depth %i', (depth) => {
    for (const [theirs, own] of names(depth)) {
      expect(naming.ownName(theirs)).toBe(own);
      expect(naming.theirName(own)).toBe(theirs);
    }
  });

  it('loads, and is written if that is the code with that stem', async () => {
    const theirs = net({ stem }, 1);
    const expected = digests(theirs);
    const arrays = pytorchFile(theirs, names(18));
    await write(arrays);
    const ours = net({ stem });
    expect(digests(ours)).not.toEqual(expected);
    const before = memory().numTensors;
    await loadWeights(ours, file);
    expect(memory().numTensors).toBe(before);
    expect(digests(ours)).toEqual(expected);
    if (peer === 'transformers') return;
    await saveWeights(theirs, file, { naming: 'pytorch' });
    const bytes = await readFile(file);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, start).toString());
    expect(Object.keys(header).toSorted()).toEqual(
      ['__metadata__', ...arrays.map(({ name }) => name)].toSorted(),
    );
    for (const { name, shape, bytes: data } of arrays) {
      const [begin, end] = header[name].data_offsets;
      expect(header[name].shape).toEqual(shape);
      expect(Buffer.compare(bytes.subarray(start + begin, start + end), data)).toBe(0);
    }
  });
});

it('ResNet-50’s names are those of its variables', () => {
  const model = net({ depth: 50 });
  const own = allVariables(model).map(({ name }) => name);
  for (const names of [resNetNames(50), transformersNames(50)]) {
    expect(names.map(([, name]) => name).toSorted()).toEqual(own.toSorted());
  }
});

describe('a ResNet', () => {
  let torchvision: StoredArray[];
  beforeAll(() => {
    torchvision = pytorchFile(net({}, 1), resNetNames(18));
  });

  it('of another depth, stem or kind is refused by name', async () => {
    await write(torchvision);
    await expect(loadWeights(net({ depth: 50 }), file)).rejects.toThrow(
      "doesn't fit the network resnet-50. It holds resnet-18 for 3 classes, under the names of torchvision and timm.",
    );
    await expect(loadWeights(net({ stem: 'cifar' }), file)).rejects.toThrow(
      'shape: conv1.weight is [64, 3, 7, 7], not [64, 3, 3, 3]',
    );
    await expect(loadWeights(net({ padding: 'same' }), file)).rejects.toThrow(
      "build it with padding: 'symmetric'",
    );
    const wrn = wideResNet({ depth: 10, widthFactor: 1, numClasses: 3 });
    await expect(loadWeights(wrn, file)).rejects.toThrow('is of another network than wrn-10-1.');
    wrn.dispose();
    const small = net({ stem: 'cifar' });
    await saveWeights(small, file);
    await expect(loadWeights(net(), file)).rejects.toThrow(
      "It holds resnet-18 with stem: 'cifar' for 3 classes.",
    );
  });

  it("with padding: 'same' has no peer", async () => {
    await expect(
      saveWeights(net({ padding: 'same' }), file, { naming: 'pytorch' }),
    ).rejects.toThrow("resnet-18 can't be saved with naming: 'pytorch': no PyTorch code is known");
  });

  const timm = {
    architecture: 'resnet18',
    num_classes: 3,
    num_features: 512,
    global_pool: 'avg',
    model_args: { num_classes: 3, in_chans: 3, global_pool: 'avg' },
    pretrained_cfg: { input_size: [3, 48, 40], num_classes: 1000, ...imageNet },
  };
  const transformers = {
    model_type: 'resnet',
    architectures: ['ResNetForImageClassification'],
    depths: [2, 2, 2, 2],
    hidden_sizes: [64, 128, 256, 512],
    layer_type: 'basic',
    hidden_act: 'relu',
    downsample_in_first_stage: false,
    id2label: { 0: 'a', 1: 'b', 2: 'c' },
  };
  const preprocessor = {
    crop_pct: 0.875,
    do_normalize: true,
    image_mean: imageNet.mean,
    image_std: imageNet.std,
    size: { shortest_edge: 40 },
  };
  const describeFolder = (config: object, images: object = preprocessor) =>
    Promise.all([
      writeFile(join(folder, 'config.json'), JSON.stringify(config)),
      writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(images)),
    ]);

  it('is loaded from a folder of timm', async () => {
    await write(torchvision);
    await describeFolder(timm);
    const model = await loadModel(folder);
    expect(model.config).toMatchObject({
      ...options,
      ...imageNet,
      inputShape: [48, 40, 3],
      stem: 'imagenet',
    });
    expect(digests(model)).toEqual(digests(net({}, 1)));
    model.dispose();
  });

  it('is loaded from a folder of transformers', async () => {
    const theirs = net({}, 1);
    await write(pytorchFile(theirs, transformersNames(18)));
    await describeFolder(transformers);
    const model = await loadModel(folder);
    expect(model.config).toMatchObject({
      ...options,
      ...imageNet,
      inputShape: [40, 40, 3],
      padding: 'symmetric',
      batchNormEpsilon: 1e-5,
    });
    expect(digests(model)).toEqual(digests(theirs));
    model.dispose();
  });

  it('may be described as timm 0.6 did', async () => {
    const { input_size: size, mean, std } = timm.pretrained_cfg;
    const old = { architecture: 'tv_resnet18', num_classes: 3, input_size: size, mean, std };
    expect(timmConfig.isOf(old)).toBe(true);
    const nowhere = () => Promise.reject(new Error('not needed'));
    expect(await timmConfig.options(old, nowhere)).toEqual(await timmConfig.options(timm, nowhere));
  });

  it('takes the size of images as the preprocessor crops them', async () => {
    const shapeFor = async (change: object) => {
      const found = await transformersConfig.options(transformers, async () => ({
        ...preprocessor,
        ...change,
      }));
      return found.inputShape;
    };
    expect(await shapeFor({})).toEqual([40, 40, 3]);
    expect(await shapeFor({ size: { height: 24, width: 32 } })).toEqual([24, 32, 3]);
    expect(await shapeFor({ size: 28 })).toEqual([28, 28, 3]);
    const crop = { do_center_crop: true, crop_size: { height: 32, width: 32 } };
    expect(await shapeFor(crop)).toEqual([32, 32, 3]);
  });

  it.each([
    ['another network of timm', { ...timm, architecture: 'resnet50d' }, "timm's resnet50d is not"],
    ['a changed one', { ...timm, model_args: { act_layer: 'silu' } }, 'changes the network by act'],
    ['another pool', { ...timm, global_pool: 'max' }, 'global_pool is "max"'],
    ['another pool', { ...timm, model_args: { global_pool: 'max' } }, 'global_pool is "max"'],
    ['no mean', { ...timm, pretrained_cfg: { input_size: [3, 32, 32] } }, 'no mean'],
    ['no classes', { ...timm, num_classes: 0 }, 'numClasses must be a whole number'],
    ['other blocks', { ...transformers, depths: [1, 1] }, 'basic blocks 1,1 of widths'],
    ['other widths', { ...transformers, hidden_sizes: [8, 8, 8, 8] }, 'are no ResNet-18'],
    ['other strides', { ...transformers, downsample_in_bottleneck: true }, 'puts strides where'],
    ['GELU', { ...transformers, hidden_act: 'gelu' }, 'hidden_act is "gelu", not "relu"'],
  ])('with %s in config.json is refused', async (_, config, message) => {
    await describeFolder(config);
    const before = memory().numTensors;
    const error = await loadModel(folder).catch(({ message }: Error) => message);
    expect(error).toContain(`${join(folder, 'config.json')}: `);
    expect(error).toContain(message);
    expect(memory().numTensors).toBe(before);
  });

  it('without its preprocessor, or with one that is not understood, is refused', async () => {
    await describeFolder(transformers, { ...preprocessor, rescale_factor: 1 });
    await expect(loadModel(folder)).rejects.toThrow('preprocessor_config.json beside it: rescale');
    await describeFolder(transformers, { ...preprocessor, image_mean: undefined });
    await expect(loadModel(folder)).rejects.toThrow('it has no image_mean or no image_std');
    await rm(join(folder, 'preprocessor_config.json'));
    await expect(loadModel(folder)).rejects.toThrow(/ENOENT.*preprocessor_config/);
  });

  it('whose folder has only PyTorch’s file is told how to convert it', async () => {
    await describeFolder(timm);
    await rm(file, { force: true });
    await writeFile(join(folder, 'pytorch_model.bin'), 'PK\x03\x04\x00\x00\x08\x08');
    await expect(loadModel(folder)).rejects.toThrow('pytorch_model.bin is a zip archive');
    await rm(join(folder, 'pytorch_model.bin'));
  });

  it('may keep the mean and std of its data in a buffer', async () => {
    await write([
      ...torchvision,
      float32('normalize.mean', imageNet.mean, [1, 3, 1, 1]),
      float32('normalize.std', imageNet.std, [1, 3, 1, 1]),
    ]);
    await loadWeights(net(imageNet), file);
    await expect(loadWeights(net(), file)).rejects.toThrow('mean: [0.485, 0.456, 0.406]');
  });
});
