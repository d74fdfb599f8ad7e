import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  memory,
  randomUniform,
  type Tensor4D,
  tensor,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  type ConfiguredClassifier,
  createModel,
  loadModel,
  loadWeights,
  saveModel,
  saveWeights,
  smallConvNet,
  wideResNet,
} from '../src/index.ts';
import { fileOf, float32 } from './weights-fixture.ts';
import { modelsOfTest, weightsFolder } from './weights-folder.ts';

const small = { depth: 10, widthFactor: 1, numClasses: 4, inputShape: [8, 8, 1] } as const;
const { folder, file } = weightsFolder();
const owned = modelsOfTest();

const bits = (model: ConfiguredClassifier) =>
  [...model.parameters, ...model.runningStatistics].map(({ name, variable: of }) => {
    const values = of.dataSync() as Float32Array;
    return [name, Array.from(new Uint32Array(values.slice().buffer))];
  });

/** A network whose running statistics are not the initial ones. */
function trained(seed: number): ConfiguredClassifier {
  const model = owned(wideResNet({ ...small, seed }));
  tidy(() => {
    const images = randomUniform([4, 8, 8, 1], 0, 1, 'float32', 9) as Tensor4D;
    model.updateRunning(model.forward(images, 'batch').recorded!);
  });
  return model;
}

/** A one-array model as a user might write it. */
const own = (name: string, values: number[]) => ({
  name: 'own',
  parameters: [{ name, variable: variable(tensor(values)), decay: true }],
});

describe('weights', () => {
  it('come back to the bit, running statistics included', async () => {
    const [model, other] = [trained(1), trained(2)];
    await saveWeights(model, file);
    expect(bits(other)).not.toEqual(bits(model));
    const before = memory().numTensors;
    await loadWeights(other, file);
    expect(bits(other)).toEqual(bits(model));
    expect(memory().numTensors).toBe(before);
    expect(await readdir(folder)).toEqual(['weights.safetensors']);
  });

  it('of a user’s own model are saved and loaded too', async () => {
    const [model, other] = [own('w', [1, 2, 3]), own('w', [0, 0, 0])];
    await saveWeights(model, file);
    await loadWeights(other, file);
    expect(Array.from(other.parameters[0]!.variable.dataSync())).toEqual([1, 2, 3]);
  });

  it('that do not fit are all listed, and change nothing', async () => {
    const model = owned(smallConvNet({ inputShape: [8, 8, 1], numClasses: 4 }));
    const before = bits(model);
    await saveWeights(
      {
        name: 'other',
        parameters: [...own('conv-1/bias', [1, 2]).parameters, ...own('stray', [1]).parameters],
      },
      file,
    );
    const error = await loadWeights(model, file).catch((thrown: Error) => thrown.message);
    expect(error).toContain(`${file} doesn't fit the network small-conv-net.`);
    expect(error).toContain('shape: conv-1/bias is [2], not [16]');
    expect(error).toContain('extra: stray [1]');
    expect(error).toContain('missing: hidden/weights [128, 100]');
    expect(String(error).split('\n')).toHaveLength(1 + 1 + 1 + 7);
    expect(bits(model)).toEqual(before);
  });

  it('with a NaN are refused, and an older file stays as it was', async () => {
    await saveWeights(own('w', [1, 2]), file);
    const before = await readFile(file);
    for (const [value, shown] of [
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
    ] as const) {
      await expect(saveWeights(own('w', [1, value]), file)).rejects.toThrow(
        `not finite: w (${shown} at element 1)`,
      );
    }
    expect(await readFile(file)).toEqual(before);
    await writeFile(file, fileOf([float32('w', [Number.NaN, 0])]));
    await expect(loadWeights(own('w', [1, 2]), file)).rejects.toThrow('not finite: w (NaN at');
  });

  it('under one name twice are refused', async () => {
    const parameters = [...own('w', [1]).parameters, ...own('w', [2]).parameters];
    await expect(saveWeights({ name: 'own', parameters }, file)).rejects.toThrow(
      'own has two variables named w',
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('leave no temporary file when they can’t be written', async () => {
    await mkdir(file);
    await expect(saveWeights(own('w', [1]), file)).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['weights.safetensors']);
  });
});

describe('a saved model', () => {
  it('is rebuilt without arguments', async () => {
    const options = { mean: [0.5], std: [0.25], padding: 'same', activation: 'relu' } as const;
    const models = [
      owned(wideResNet({ ...small, ...options })),
      owned(smallConvNet({ inputShape: [8, 8, 1], numClasses: 3, channels: [2, 3], hidden: 4 })),
    ];
    for (const model of models) {
      await saveModel(model, join(folder, 'deep', 'model'));
      const loaded = owned(await loadModel(join(folder, 'deep', 'model')));
      expect(loaded.config).toEqual(model.config);
      expect(loaded.name).toBe(model.name);
      expect(bits(loaded)).toEqual(bits(model));
    }
  });

  it('of a user’s own network is its weights alone', async () => {
    await saveModel(trained(1), folder);
    await saveModel(own('w', [1]), folder);
    expect(await readdir(folder)).toEqual(['model.safetensors']);
    await expect(loadModel(folder)).rejects.toThrow(/no .*config\.json.*loadWeights/);
  });

  it('is left alone by a network that can’t be saved', async () => {
    await saveModel(trained(1), folder);
    await expect(saveModel(own('w', [Number.NaN]), folder)).rejects.toThrow('not finite: w');
    const loaded = owned(await loadModel(folder));
    expect(loaded.name).toBe('wrn-10-1');
  });

  it('whose weights do not fit is refused, without leaking', async () => {
    await saveModel(trained(1), folder);
    await saveWeights(own('w', [1]), join(folder, 'model.safetensors'));
    const before = memory().numTensors;
    await expect(loadModel(folder)).rejects.toThrow('missing: stem/filter');
    expect(memory().numTensors).toBe(before);
  });

  it.each([
    ['{', 'config.json: '],
    ['null', 'unknown architecture undefined'],
    [
      '{"architecture": "vgg"}',
      'unknown architecture "vgg"; known are resnet, small-conv-net, wide-resnet',
    ],
    ['{"architecture": "wide-resnet", "depth": "16"}', 'numClasses must be a whole number'],
  ])('described by %s is refused', async (json, message) => {
    await writeFile(join(folder, 'config.json'), json);
    await expect(loadModel(folder)).rejects.toThrow(message);
  });

  it('with an unknown option is refused', () => {
    const before = memory().numTensors;
    expect(() => createModel({ architecture: 'wide-resnet', ...small, width: 4 })).toThrow(
      'wide-resnet has no option width; it has depth, widthFactor, numClasses',
    );
    expect(memory().numTensors).toBe(before);
  });
});
