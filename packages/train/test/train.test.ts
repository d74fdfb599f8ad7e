import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fgsm, pgd } from '@llr/attacks';
import { llr, projectedAscent, type Regularizer } from '@llr/core';
import { loadModel } from '@llr/models';
import { getBackend, memory, mul, tidy, version_core } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { defineExperiment } from '../src/experiment.ts';
import { gitCommit } from '../src/git-commit.ts';
import { readRun } from '../src/run-directory.ts';
import { train } from '../src/train.ts';
import { stripeSource, stripes, tinyNetwork } from './tiny.ts';

const root = mkdtempSync(join(tmpdir(), 'llr-train-'));
afterAll(() => rmSync(root, { recursive: true }));

const experiment = defineExperiment({
  name: 'stripes',
  seed: 5,
  data: { name: 'stripes', open: async (split) => stripeSource(36, split) },
  model: ({ seed }) => tinyNetwork(seed),
  threat: { norm: 'linf', epsilon: 0.1 },
  train: {
    epochs: 3,
    batchSize: 6,
    examples: 24,
    optimizer: 'adam',
    learningRate: 0.02,
    epsilonRamp: 1,
    validation: { examples: 12, attack: fgsm() },
  },
  variants: {
    nominal: {},
    LLR: {
      regularizers: [
        llr({ lambda: 1, mu: 1, maximizer: projectedAscent({ stepSize: 0.1, steps: 2 }) }),
      ],
    },
    broken: {
      regularizers: [{ name: 'mine', penalty: ({ nominal }) => mul(nominal.loss, Number.NaN) }],
    },
  },
  evaluation: { attacks: [pgd({ stepSize: 0.05, steps: 3 })] },
});

const weightsFile = (directory: string) =>
  readFileSync(join(directory, 'model', 'model.safetensors'));

describe('train', () => {
  it('learns, and leaves a run that can be read and loaded', async () => {
    const directory = join(root, 'first');
    const { model, history } = await train(experiment, 'LLR', { directory });
    const losses = history.flatMap(({ loss }) => loss ?? []);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 2);
    expect(history.at(-1)).toMatchObject({ epoch: 3, 'validation accuracy': 1 });
    const { run, metrics } = await readRun(directory);
    expect(metrics).toEqual(history);
    expect(run).toMatchObject({
      experiment: 'stripes',
      variant: 'LLR',
      seed: 5,
      train: { examples: 24 },
      tfjs: version_core,
      node: process.version,
      source: { git: await gitCommit('.') },
    });
    const loaded = await loadModel(join(directory, 'model'));
    const { images } = stripes();
    expect(loaded.forward(images, 'running').logits.dataSync()).toEqual(
      model.forward(images, 'running').logits.dataSync(),
    );
  });

  it('gives the same bytes for the same seed, and others for another', async () => {
    const runs = [];
    for (const [name, seed] of [
      ['a', 5],
      ['b', 5],
      ['c', 6],
    ] as const) {
      const directory = join(root, name);
      await train({ ...experiment, seed }, 'LLR', { directory });
      runs.push(weightsFile(directory));
    }
    expect(runs[0]!.equals(runs[1]!)).toBe(true);
    expect(runs[0]!.equals(runs[2]!)).toBe(false);
  });

  it('waits for a search that is asynchronous, and trains as by one that is not', async () => {
    const { search, ...rest } = experiment.variants.LLR!.regularizers![0]!;
    const waiting: Regularizer = {
      ...rest,
      searchAsync: async (context) => {
        const found = tidy(() => search!(context));
        await new Promise((resolve) => setTimeout(resolve, 1));
        return found;
      },
    };
    const short = {
      ...experiment,
      train: { ...experiment.train, epochs: 1 },
      variants: { ...experiment.variants, waiting: { regularizers: [waiting] } },
    };
    const [one, other] = ['LLR', 'waiting'].map((variant) => ({
      variant,
      directory: join(root, `one-epoch-${variant}`),
    }));
    const { history: expected } = await train(short, one!.variant, one);
    const { history } = await train(short, other!.variant, other);
    expect(history).toHaveLength(expected.length);
    for (const [i, { loss = 0 }] of expected.entries())
      expect(history[i]!.loss ?? 0).toBeCloseTo(loss, 3);
    if (getBackend() !== 'tensorflow') {
      expect(weightsFile(other!.directory).equals(weightsFile(one!.directory))).toBe(true);
    }
  });

  it('trains in an ℓ2 ball, whose radius may be above 1', async () => {
    const threat = { norm: 'l2', epsilon: 1.5 } as const;
    const { run, history } = await train({ ...experiment, threat }, 'LLR', {
      directory: join(root, 'l2'),
    });
    expect(run.threat).toEqual(threat);
    expect(history.at(-2)).toMatchObject({ epsilon: 1.5 });
  });

  it('leaves no finished run behind when a plugin returns NaN, nor an earlier one', async () => {
    const directory = join(root, 'replaced');
    await train(experiment, 'nominal', { directory });
    expect(existsSync(join(directory, 'run.json'))).toBe(true);
    await expect(train(experiment, 'broken', { directory })).rejects.toThrow(
      /penalty of mine is NaN/,
    );
    expect(readdirSync(directory).filter((name) => name !== 'metrics.jsonl')).toEqual([]);
    await expect(readRun(directory)).rejects.toThrow(/no finished run/);
  });

  it('keeps the number of tensors flat from epoch to epoch', async () => {
    const counts: number[] = [];
    const onStep = ({ step }: { step: number }) => {
      if (step % 4 === 1) counts.push(memory().numTensors);
    };
    const { model } = await train(experiment, 'LLR', { directory: join(root, 'flat'), onStep });
    expect(counts).toHaveLength(3);
    expect(new Set(counts).size).toBe(1);
    (model as unknown as { dispose(): void }).dispose();
  });

  it.each([
    ['an unknown network', {}, 'adv', /no network "adv"/],
    [
      'more images than there are',
      { train: { ...experiment.train, examples: 99 } },
      'nominal',
      /not enough/,
    ],
    [
      'a model that does not fit',
      { model: () => ({ ...tinyNetwork(), numClasses: 4 }) },
      'nominal',
      /takes 8x8x1 images of 4 classes/,
    ],
  ])('refuses %s before it writes anything', async (_what, changes, variant, message) => {
    const directory = join(root, 'refused');
    await expect(train({ ...experiment, ...changes }, variant, { directory })).rejects.toThrow(
      message,
    );
    expect(existsSync(directory)).toBe(false);
  });
});
