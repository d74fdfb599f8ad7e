import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  memory,
  randomUniform,
  type Tensor4D,
  tensor,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
import { decodeSafetensors, encodeSafetensors } from '../src/weights/safetensors.ts';

const small = { depth: 10, widthFactor: 1, numClasses: 4, inputShape: [8, 8, 1] } as const;
let folder: string;
let file: string;
const made: ConfiguredClassifier[] = [];
const owned = <T extends ConfiguredClassifier>(model: T): T => {
  made.push(model);
  return model;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llr-weights-'));
  file = join(folder, 'weights.safetensors');
});
afterEach(async () => {
  for (const model of made.splice(0)) model.dispose();
  await rm(folder, { recursive: true });
});

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

const safetensors = (header: object | string, data: Uint8Array = new Uint8Array(0)) => {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
};

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
    const values = new Uint8Array(new Float32Array([Number.NaN, 0]).buffer);
    await writeFile(
      file,
      safetensors({ w: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, values),
    );
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

describe('safetensors', () => {
  const name = fc
    .string({ minLength: 1 })
    .filter((text) => text !== '__metadata__' && text !== '__proto__');
  const array = fc.record({ name, values: fc.float32Array() });

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.uniqueArray(array, { selector: (one) => one.name }), (some) => {
        const arrays = some.map(({ name, values }) => ({
          name,
          values,
          shape: [1, values.length],
        }));
        const bytes = Buffer.concat(encodeSafetensors(arrays));
        const decoded = decodeSafetensors(bytes, 'file');
        expect([...decoded.values()].toSorted(byName)).toEqual(arrays.toSorted(byName));
      }),
    );
  });

  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

  it('have the layout of the specification', () => {
    const bytes = Buffer.concat(
      encodeSafetensors([{ name: 'w', shape: [2], values: Float32Array.of(1, -2) }]),
    );
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    expect(JSON.parse(bytes.subarray(8, 8 + length).toString())).toEqual({
      w: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
    });
    expect(bytes.readFloatLE(8 + length)).toBe(1);
    expect(bytes.readFloatLE(12 + length)).toBe(-2);
  });

  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  it.each([
    ['too short', Buffer.from('abc'), 'is no safetensors file: it has only 3 bytes'],
    ['cut off in the header', safetensors({ w: entry }).subarray(0, 20), 'is it cut off?'],
    ['no JSON', safetensors('{"w":'), 'its header is not JSON'],
    ['no object', safetensors('null'), 'its header is not an object'],
    ['cut off in the data', safetensors({ w: entry }, new Uint8Array(7)), 'w should end at byte'],
    [
      'another dtype',
      safetensors({ w: { ...entry, dtype: 'F16' } }),
      'w is F16; convert it to float32',
    ],
    ['an empty entry', safetensors({ w: null }), 'w is undefined'],
    ['no shape', safetensors({ w: { dtype: 'F32' } }), 'w has no shape or no data_offsets'],
    [
      'a shape of another size',
      safetensors({ w: { ...entry, shape: [3] } }),
      'w [3] needs 12 bytes',
    ],
    [
      'a negative offset',
      safetensors({ w: { ...entry, data_offsets: [-8, 0] } }),
      'w begins before the data',
    ],
  ])('that are broken are refused: %s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, 'broken.safetensors')).toThrow(message);
    expect(() => decodeSafetensors(bytes, 'broken.safetensors')).toThrow('broken.safetensors');
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
