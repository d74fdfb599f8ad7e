import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dispose, getBackend, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfiguredClassifier, createModel, loadWeights } from '../src/index.ts';
import { withoutInitialWeights } from '../src/network-builder.ts';
import { decodeSafetensors } from '../src/weights/safetensors.ts';
import { type Batch, relativeError } from './oracle-fixture.ts';
import {
  errorOf,
  foldedAndNot,
  quantitiesOf,
  type Weighting,
  WorstErrors,
} from './oracle-quantities.ts';

// The paper's networks against PyTorch in float64, where tools/oracle/make_large_fixtures.py has left its values.

type Use = 'running' | 'batch';

interface Summary extends Weighting {
  config: object;
  labels: number[];
  /** PyTorch's own errors in float32, by statistics and quantity. */
  float32: Partial<Record<Use, Record<string, number>>>;
}

const networks = [
  'wrn-16-2',
  'wrn-28-8',
  'resnet-18-64',
  'resnet-18-64-relu',
  'resnet-18-224',
  'resnet-152-64',
  'resnet-152-224',
];

const folder = process.env.LLR_ORACLE_FIXTURES;
if (folder && !networks.some((name) => existsSync(join(folder, `${name}.json`)))) {
  throw new Error(`LLR_ORACLE_FIXTURES is ${folder}, which has none of ${networks.join(', ')}.`);
}
const filesOf = (name: string) => join(folder ?? '', name);

/** As exact as float32 can be expected to be: 1e-4, or a few times PyTorch's own error there. */
const tolerance = (float32: number) => Math.max(1e-4, 4 * float32);

/** Whose rounding errors are to be expected when batch norm is folded into the convolutions. */
const ofFolded: Record<string, string> = {
  'folded logits': 'logits',
  'folded inputGradient': 'inputGradient',
  'folded lossObjective': 'loss',
  'folded loss': 'adv',
};

const timeout = 600_000;

for (const name of networks) {
  if (!folder || !existsSync(`${filesOf(name)}.json`)) {
    it(`${name} against PyTorch`, ({ skip }) => {
      skip(`needs ${name} of tools/oracle/make_large_fixtures.py in LLR_ORACLE_FIXTURES`);
    });
    continue;
  }
  const summary: Summary = JSON.parse(readFileSync(`${filesOf(name)}.json`, 'utf8'));
  describe(`${name} against PyTorch`, () => {
    let model: ConfiguredClassifier;
    let batch: Batch;

    beforeAll(async () => {
      model = withoutInitialWeights(() => createModel(summary.config));
      await loadWeights(model, `${filesOf(name)}.weights.safetensors`);
      batch = await batchOf(name, summary.labels);
    }, timeout);
    afterAll(() => {
      model.dispose();
      dispose(batch);
    });

    describe.each(Object.keys(summary.float32) as Use[])('at %s statistics', (use) => {
      const float32 = summary.float32[use]!;
      const worst = new WorstErrors();
      const seconds = new Map<string, number>();
      let expected: Awaited<ReturnType<typeof arraysOf>>;

      beforeAll(async () => {
        expected = await arraysOf(`${name}.${use}`);
      }, timeout);
      afterAll(() => {
        expected.clear();
        if (process.env.ORACLE_REPORT)
          console.log(report(`${name}, ${use}`, worst, float32, seconds));
      });

      const parts = ['values and first order', 'second order in x', 'llr', 'adv'] as const;
      it.each(parts)('agrees: %s', { timeout }, (part) => {
        const began = performance.now();
        const found = quantitiesOf(model, use, summary)[part]!(batch);
        seconds.set(part, (performance.now() - began) / 1000);
        const of = new WorstErrors();
        for (const [path, value] of Object.entries(found)) {
          expect(value.shape, path).toEqual(expected.get(path)!.shape);
          of.take(
            path,
            errorOf(path, value, (at) => expected.get(at)!.values),
          );
        }
        dispose(found);
        for (const [quantity, error] of of) {
          worst.take(quantity, error);
          expect(error, quantity).toBeLessThan(tolerance(float32[quantity]!));
        }
      });

      it('is the same with batch norm folded', { timeout }, () => {
        const { folded, unfolded } = foldedAndNot(model, use);
        const [found, reference] = [folded(batch), unfolded(batch)];
        const of = new WorstErrors();
        for (const [path, value] of Object.entries(found)) {
          of.take(
            `folded ${path}`,
            relativeError(value, reference[path]!.dataSync() as Float32Array),
          );
        }
        dispose([found, reference]);
        for (const [quantity, error] of of) {
          worst.take(quantity, error);
          // Two float32 computations of one quantity differ by about what each is off.
          const own = float32[ofFolded[quantity]!]!;
          expect(error, quantity).toBeLessThan(Math.max(1e-5, 4 * own));
        }
      });

      it('was compared in every quantity', () => {
        const folded = [...worst.keys()].filter((quantity) => quantity.startsWith('folded '));
        expect([...worst.keys()].sort()).toEqual([...Object.keys(float32), ...folded].sort());
      });
    });
  });
}

async function arraysOf(file: string) {
  const path = `${filesOf(file)}.safetensors`;
  return decodeSafetensors(await readFile(path), path);
}

async function batchOf(name: string, labels: number[]): Promise<Batch> {
  const arrays = await arraysOf(`${name}.images`);
  const image = (path: string) => {
    const { shape, values } = arrays.get(path)!;
    return tensor4d(values, shape as [number, number, number, number]);
  };
  return {
    images: image('images'),
    labels: tensor1d(labels, 'int32'),
    perturbation: image('perturbation'),
  };
}

function report(
  title: string,
  errors: ReadonlyMap<string, number>,
  float32: Record<string, number>,
  seconds: ReadonlyMap<string, number>,
): string {
  const peak = (process.resourceUsage().maxRSS / 2 ** 20).toFixed(1);
  const times = [...seconds].map(([part, time]) => `${part} ${time.toFixed(1)} s`).join(', ');
  const rows = [...errors].map(([quantity, error]) => {
    const theirs = float32[quantity]?.toExponential(1) ?? '       ';
    return `${error.toExponential(1)}  ${theirs}  ${quantity}`;
  });
  return [
    `${title}, on ${getBackend()}: ${times}; at most ${peak} GiB in this process so far`,
    'here     PyTorch in float32',
    ...rows,
  ].join('\n');
}
