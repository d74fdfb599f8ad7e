import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import {
  dispose,
  getBackend,
  reshape,
  type Tensor,
  tensor,
  tensor1d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfiguredClassifier, type ResNetOptions, resNet } from '../src/index.ts';
import { withoutInitialWeights } from '../src/network-builder.ts';
import { decodeSafetensors } from '../src/weights/safetensors.ts';
import { type Batch, fixturePath } from './oracle-fixture.ts';
import { errorOf, quantitiesOf, type Weighting, WorstErrors } from './oracle-quantities.ts';

// Bottlenecks of all four stages behind the 7x7 stem and the max pool, at 32x32: ResNet-50 against PyTorch in float64.

interface Fixture extends Weighting {
  config: ResNetOptions;
  labels: number[];
  samples: number;
  ranges: Record<string, [low: number, high: number]>;
}

const tolerance = 1e-4;
const timeout = 600_000;

/** Numbers in [0, 1) that follow from a name and their index: `hashed` of tools/oracle/networks.py. */
function hashed(name: string, count: number): Float64Array {
  const seed = crc32(name);
  return Float64Array.from({ length: count }, (_, i) => {
    let x = Math.imul(i, 0x9e3779b1) ^ seed;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  });
}

const file = 'resnet-50.expected.safetensors';
const fixture: Fixture = JSON.parse(await readFile(fixturePath('resnet-50.json'), 'utf8'));
const arrays = decodeSafetensors(await readFile(fixturePath(file)), file);

/** Weights that follow from their names, between the fixture's ends; running statistics are in the fixture. */
function setWeights({ parameters, runningStatistics }: ConfiguredClassifier): void {
  for (const { name, variable } of parameters) {
    const [low, high] = fixture.ranges[name]!;
    const values = Float32Array.from(hashed(name, variable.size), (u) => low + (high - low) * u);
    tidy(() => variable.assign(tensor(values, variable.shape)));
  }
  for (const { name, variable } of runningStatistics) {
    tidy(() => variable.assign(tensor(arrays.get(name)!.values)));
  }
}

/** All numbers of a small tensor, or those that the fixture has of it. */
function sampled(path: string, value: Tensor): Tensor {
  const { size } = value;
  if (size <= fixture.samples) return reshape(value, [size]);
  const values = value.dataSync();
  const at = hashed(path, fixture.samples);
  return tensor1d(Float32Array.from(at, (share) => values[Math.floor(share * size)]!));
}

/** On the slow reference engine one filter of each kind, each in another stage, and everything small. */
const onCpu = (name: string) =>
  !/filter$/.test(name) ||
  /^(stem|stage-1.block-1.conv-1|stage-2.block-1.conv-2|stage-3.block-1.conv-3|stage-4.block-1.projection)\//.test(
    name,
  );

describe('bottlenecks against PyTorch', () => {
  let model: ConfiguredClassifier;
  let batch: Batch;
  const worst = new WorstErrors();

  beforeAll(() => {
    const whole = withoutInitialWeights(() => resNet(fixture.config));
    setWeights(whole);
    const parameters = whole.parameters.filter(({ name }) => getBackend() !== 'cpu' || onCpu(name));
    model = { ...whole, parameters };
    const image = (path: string) => {
      const { shape, values } = arrays.get(path)!;
      return tensor4d(values, shape as [number, number, number, number]);
    };
    batch = {
      images: image('images'),
      labels: tensor1d(fixture.labels, 'int32'),
      perturbation: image('perturbation'),
    };
  }, timeout);
  afterAll(() => {
    model.dispose();
    dispose(batch);
    if (!process.env.ORACLE_REPORT) return;
    const rows = [...worst].map(([quantity, error]) => `${error.toExponential(1)}  ${quantity}`);
    console.log([`ResNet-50 at 32x32 on ${getBackend()}`, ...rows].join('\n'));
  });

  it.each(['values and first order', 'second order in x', 'llr', 'adv'] as const)(
    'agree: %s',
    { timeout },
    (part) => {
      const found = quantitiesOf(model, 'running', fixture)[part]!(batch);
      for (const [path, value] of Object.entries(found)) {
        const error = tidy(() =>
          errorOf(path, sampled(path, value), (at) => arrays.get(at)!.values),
        );
        worst.take(path, error);
        expect(error, path).toBeLessThan(tolerance);
      }
      dispose(found);
    },
  );

  it('were compared in every quantity', () => {
    const quantities = [...arrays.keys()].map((path) => path.split('/')[0]!);
    const given = /^(images|perturbation|stem|stage-\d)$/;
    const expected = new Set(quantities.filter((quantity) => !given.test(quantity)));
    expect([...worst.keys()].sort()).toEqual([...expected].sort());
  });
});
