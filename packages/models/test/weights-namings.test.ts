import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memory, tensor, tidy, variable } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  loadModel,
  loadWeights,
  saveModel,
  saveWeights,
  smallConvNet,
  type WideResNetOptions,
  wideResNet,
} from '../src/index.ts';
import {
  allVariables,
  deepMindNames,
  digests,
  fileOf,
  float32,
  pytorchFile,
  type StoredArray,
  scramble,
  wideResNetNames,
} from './weights-fixture.ts';
import { modelsOfTest, weightsFolder } from './weights-folder.ts';

const { folder, file } = weightsFolder();
const owned = modelsOfTest();
const wrn = (options: Partial<WideResNetOptions> = {}, seed = 1) => {
  const shape = { depth: 16, widthFactor: 1, numClasses: 4, inputShape: [8, 8, 3] } as const;
  const model = owned(wideResNet({ ...shape, ...options }));
  scramble(model, seed);
  return model;
};

const write = (arrays: readonly StoredArray[]) => writeFile(file, fileOf(arrays, { format: 'pt' }));
const prefixed = (prefix: string, arrays: readonly StoredArray[]) =>
  arrays.map((array) => ({ ...array, name: `${prefix}${array.name}` }));
const headerOf = async (path = file) => {
  const bytes = await readFile(path);
  return JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString());
};
const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => '',
    (error: Error) => error.message,
  );

const wideResNets = [
  { peer: 'TRADES', padding: 'symmetric', names: wideResNetNames },
  { peer: 'DeepMind', padding: 'same', names: deepMindNames },
] as const;

describe.each(wideResNets)('a WRN of $peer', ({ padding, names }) => {
  it.each([1, 2])('of width %i loads', async (widthFactor) => {
    const [theirs, ours] = [wrn({ widthFactor, padding }), wrn({ widthFactor, padding }, 2)];
    await write(pytorchFile(theirs, names(2, widthFactor)));
    expect(digests(ours)).not.toEqual(digests(theirs));
    const before = memory().numTensors;
    await loadWeights(ours, file);
    expect(digests(ours)).toEqual(digests(theirs));
    expect(memory().numTensors).toBe(before);
  });

  it.each(['module.', 'model.', 'module.model.', '_orig_mod.module.', 'module.1.'])(
    'loads from under %s',
    async (prefix) => {
      const [theirs, ours] = [wrn({ padding }), wrn({ padding }, 2)];
      await write(prefixed(prefix, pytorchFile(theirs, names(2, 1))));
      await loadWeights(ours, file);
      expect(digests(ours)).toEqual(digests(theirs));
    },
  );

  it('is what naming: pytorch writes', async () => {
    const model = wrn({ padding });
    await saveWeights(model, file, { naming: 'pytorch' });
    const { __metadata__: metadata, ...header } = await headerOf();
    expect(metadata).toEqual({ format: 'pt' });
    const expected = pytorchFile(model, names(2, 1));
    expect(Object.keys(header).toSorted()).toEqual(expected.map(({ name }) => name).toSorted());
    const bytes = await readFile(file);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    for (const { name, dtype, shape, bytes: data } of expected) {
      const [begin, end] = header[name].data_offsets;
      expect(header[name]).toMatchObject({ dtype, shape });
      expect(Buffer.compare(bytes.subarray(start + begin, start + end), data)).toBe(0);
      // Readers map the file into memory.
      expect((start + begin) % (dtype === 'I64' ? 8 : 4)).toBe(0);
    }
    const again = wrn({ padding }, 2);
    await loadWeights(again, file);
    expect(digests(again)).toEqual(digests(model));
  });

  it('into a network that pads otherwise is refused', async () => {
    const other = padding === 'same' ? 'symmetric' : 'same';
    const ours = wrn({ padding: other }, 2);
    const before = digests(ours);
    await write(pytorchFile(wrn({ padding }), names(2, 1)));
    await expect(loadWeights(ours, file)).rejects.toThrow(`build it with padding: '${padding}'`);
    expect(digests(ours)).toEqual(before);
  });
});

describe('a file of PyTorch', () => {
  const ofTrades = (model = wrn()) => pytorchFile(model, wideResNetNames(2, 1));

  it('may hold blocks that TRADES never uses, and Madry’s attacker', async () => {
    const [theirs, ours] = [wrn(), wrn({}, 2)];
    const weights = ofTrades(theirs);
    const unused = weights
      .filter(({ name }) => name.startsWith('block1.'))
      .map((array) => ({ ...array, name: `sub_${array.name}` }));
    await write([
      ...prefixed('module.model.', [...weights, ...unused]),
      ...prefixed('module.attacker.model.', weights),
      float32('module.attacker.normalize.new_mean', [0.5, 0.5, 0.5], [3, 1, 1]),
    ]);
    await loadWeights(ours, file);
    expect(digests(ours)).toEqual(digests(theirs));
  });

  it.each([
    ['normalize.mean', 'normalize.std', [1, 3, 1, 1]],
    ['normalizer.new_mean', 'normalizer.new_std', [3, 1, 1]],
    ['mean', 'std', [3]],
    ['mu', 'sigma', [1, 3, 1, 1]],
    ['module.0.mean', 'module.0.std', [3]],
  ])('says by %s what the network must be built with', async (meanName, stdName, shape) => {
    const pixels = { mean: [0.4914, 0.4822, 0.4465], std: [0.2471, 0.2435, 0.2616] };
    const theirs = wrn();
    await write([
      ...prefixed('module.1.', ofTrades(theirs)),
      float32(meanName, pixels.mean, shape),
      float32(stdName, pixels.std, shape),
    ]);
    const same = wrn(pixels, 2);
    await loadWeights(same, file);
    expect(digests(same)).toEqual(digests(theirs));
    const none = await messageOf(loadWeights(wrn({}, 2), file));
    expect(none).toContain(
      `${meanName} is [0.4914, 0.4822, 0.4465], but the network has no mean: build it with mean: [0.4914, 0.4822, 0.4465]`,
    );
    expect(none).toContain('build it with std: [0.2471, 0.2435, 0.2616]');
    const other = wrn({ ...pixels, std: [0.2023, 0.1994, 0.201] }, 2);
    const message = await messageOf(loadWeights(other, file));
    expect(message).toContain(
      `${stdName} is [0.2471, 0.2435, 0.2616], but the network has std: [0.2023, 0.1994, 0.201]`,
    );
    expect(message).not.toContain(meanName);
  });

  it('with a mean of 0 and a std of 1 fits a network without either', async () => {
    await write([...ofTrades(), float32('mu', [0, 0, 0]), float32('sigma', [1, 1, 1])]);
    await loadWeights(wrn({}, 2), file);
  });

  it('of another depth and width says which, and lists what doesn’t fit up to a limit', async () => {
    const ours = wrn({}, 2);
    const before = digests(ours);
    const theirs = wrn({ depth: 22, widthFactor: 2, numClasses: 10 });
    await write(prefixed('module.', pytorchFile(theirs, wideResNetNames(3, 2))));
    const message = await messageOf(loadWeights(ours, file));
    expect(message).toContain(`${file} doesn't fit the network wrn-16-1. It holds wrn-22-2 for 10`);
    expect(message).toContain('under the names of WideResNet-pytorch, TRADES and RobustBench');
    expect(message).toContain(
      'shape: module.block1.layer.0.conv1.weight is [32, 16, 3, 3], not [16, 16, 3, 3]',
    );
    expect(message.split('\n')).toHaveLength(1 + 20 + 1);
    expect(message).toMatch(/and \d+ more$/);
    expect(digests(ours)).toEqual(before);
  });

  it('with all kinds of faults is refused in one error under its own names', async () => {
    const ours = wrn({}, 2);
    const before = digests(ours);
    const weights = prefixed('module.', ofTrades());
    const named = (name: string) => weights.find((array) => array.name === `module.${name}`)!;
    named('bn1.weight').bytes.fill(0xff, 4, 8);
    const faulty = [
      ...weights.filter((array) => array !== named('fc.bias') && array !== named('bn1.bias')),
      { ...named('fc.bias'), shape: [2, 2] },
      { ...named('bn1.bias'), dtype: 'I32' },
      float32('module.extra.weight', [1]),
    ].filter((array) => array !== named('conv1.weight'));
    await write(faulty);
    const message = await messageOf(loadWeights(ours, file));
    expect(message.split('\n').slice(1)).toEqual([
      '  missing: module.conv1.weight [16, 3, 3, 3]',
      '  shape: module.fc.bias is [2, 2], not [4]',
      '  extra: module.extra.weight [1]',
      '  not finite: module.bn1.weight (NaN at element 1)',
      '  dtype: module.bn1.bias is I32, not one of F32, F64, F16, BF16',
    ]);
    expect(digests(ours)).toEqual(before);
  });

  it('is not for networks that have no such names', async () => {
    await write(ofTrades());
    const net = owned(smallConvNet({ inputShape: [8, 8, 3], numClasses: 4 }));
    await expect(loadWeights(net, file)).rejects.toThrow(
      'is of another network than small-conv-net. It holds wrn-16-1 for 4 classes, under the names of WideResNet-pytorch',
    );
    await expect(saveWeights(net, file, { naming: 'pytorch' })).rejects.toThrow(
      "small-conv-net can't be saved with naming: 'pytorch'",
    );
    const own = { name: 'mine', parameters: [] };
    await expect(saveWeights(own, file, { naming: 'pytorch' })).rejects.toThrow("mine can't be");
    await expect(saveWeights(own, file, { naming: 'tf' as never })).rejects.toThrow('got "tf"');
  });

  it('whose names a user’s own network has too is loaded as that network has it', async () => {
    const zeros = (name: string, shape: number[]) => ({
      name,
      variable: tidy(() =>
        variable(tensor(new Float32Array(shape[0]! * shape[1]!), shape as [2, 3])),
      ),
      decay: true,
    });
    const parameters = [zeros('conv1.weight', [2, 3]), zeros('fc.weight', [2, 3])];
    const values = [1, 2, 3, 4, 5, 6];
    await write([float32('conv1.weight', values, [2, 3]), float32('fc.weight', values, [2, 3])]);
    await loadWeights({ name: 'mine', parameters }, file);
    expect(Array.from(parameters[1]!.variable.dataSync())).toEqual(values);
    for (const { variable } of parameters) variable.dispose();
  });

  it('is what a folder may hold beside config.json', async () => {
    const model = wrn({ padding: 'same', mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] });
    await saveModel(model, folder, { naming: 'pytorch' });
    expect(await headerOf(join(folder, 'model.safetensors'))).toHaveProperty([
      'layer.0.block.0.conv_0.weight',
    ]);
    const loaded = owned(await loadModel(folder));
    expect(loaded.config).toEqual(model.config);
    expect(digests(loaded)).toEqual(digests(model));
  });

  it('with half-precision weights is read as float32', async () => {
    const ours = wrn({}, 2);
    const halves = ofTrades().map((array) =>
      array.dtype === 'F32'
        ? // 0x3e00 is 1.5 in half precision, 0x3fc0 in bfloat16.
          { ...array, ...constant(array, array.shape.length === 1 ? 'F16' : 'BF16') }
        : array,
    );
    await write(halves);
    await loadWeights(ours, file);
    for (const { variable } of allVariables(ours)) {
      expect(new Set(variable.dataSync())).toEqual(new Set([1.5]));
    }
  });

  const constant = ({ bytes }: StoredArray, dtype: 'F16' | 'BF16') => ({
    dtype,
    bytes: new Uint8Array(
      new Uint16Array(bytes.length / 4).fill(dtype === 'F16' ? 0x3e00 : 0x3fc0).buffer,
    ),
  });
});
