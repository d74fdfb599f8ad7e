import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fgsm } from '@llr/attacks';
import type { Regularizer } from '@llr/core';
import type { IndexedSource } from '@llr/datasets';
import { memory } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineExperiment, type Experiment } from '../src/experiment.ts';
import { planTraining } from '../src/plan.ts';
import { stripeSource, tinyNetwork } from './tiny.ts';

const folder = mkdtempSync(join(tmpdir(), 'llr-plan-'));
const before = process.cwd();
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const wait = (milliseconds: number) => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

/** Steps and batches that take a known time at least. */
const slow: Regularizer = {
  name: 'slow',
  nominalWeight: 1,
  penalty: ({ nominal }) => {
    wait(60);
    return nominal.loss;
  },
};
function slowly(source: IndexedSource): IndexedSource {
  return {
    ...source,
    part: (from, size) => slowly(source.part(from, size)),
    async *batches(options) {
      for await (const batch of source.batches(options)) {
        wait(30);
        yield batch;
      }
    },
  };
}

const source = slowly(stripeSource(60) as IndexedSource);

const experiment: Experiment = defineExperiment({
  name: 'stripes',
  seed: 5,
  data: { name: 'stripes', open: async () => source },
  model: ({ seed }) => tinyNetwork(seed),
  threat: { norm: 'linf', epsilon: 0.1 },
  train: {
    epochs: 5,
    batchSize: 6,
    microBatchSize: 3,
    examples: 24,
    learningRate: 0.02,
    averaging: { decay: 0.9 },
    validation: { examples: 12, attack: fgsm(), every: 2 },
  },
  variants: { nominal: {}, slow: { regularizers: [slow] } },
});

describe('a plan', () => {
  it('predicts the whole from a few steps, and leaves nothing behind', async () => {
    const { numTensors } = memory();
    const plan = await planTraining({ ...experiment }, 'nominal', { steps: 5, stages: false });
    expect(plan.measured).not.toHaveProperty('stages');
    expect(plan).toMatchObject({ variant: 'nominal', epochs: 5, stepsPerEpoch: 4, steps: 20 });
    const { measured, predicted } = plan;
    // 4 batches an epoch: the fifth comes from the second.
    expect(measured.steps).toBe(5);
    expect(predicted.steps).toBeCloseTo(measured.firstStep + 19 * measured.step, 9);
    expect(predicted.data).toBeCloseTo(20 * measured.data, 9);
    // After epochs 2 and 4, and after the last.
    expect(predicted.validation).toBeCloseTo(3 * measured.validation!, 9);
    const { steps, data, validation } = predicted;
    expect(predicted.seconds).toBeCloseTo(steps + data + validation, 9);
    expect(predicted.peakBytes).toBeGreaterThan(plan.tensorBytes);
    // Parameters, velocities, averages and sums of gradients, at least.
    expect(plan.tensorBytes).toBeGreaterThan(4 * 4 * plan.parameters);
    expect(plan.notes.join(' ')).toContain('3 validations of 12 images');
    expect(memory().numTensors).toBe(numTensors);
    expect(readdirSync('.')).toEqual([]);
  });

  it.runIf(!process.env.LLR_ENGINE || process.env.LLR_ENGINE === 'wasm')(
    'tells the time of a step from that of waiting for data',
    async () => {
      const { numTensors } = memory();
      const { measured, notes } = await planTraining(experiment, 'slow', { steps: 3 });
      expect(memory().numTensors).toBe(numTensors);
      expect(notes.join(' ')).toContain('Stages are told apart');
      // Two micro-batches.
      expect(measured.step).toBeGreaterThan(0.12);
      // The batch is made in this thread, when it is asked for.
      expect(measured.data).toBeGreaterThan(0.025);
      const { step, nominal, search, gradients, optimizer } = measured.stages!;
      expect(search).toBe(0);
      expect(gradients).toBeGreaterThan(0.1);
      expect(step).toBeCloseTo(nominal + gradients + optimizer, 9);
    },
  );

  it('runs no more steps than there are, and no validation where none is asked for', async () => {
    const { validation: _, ...recipe } = experiment.train;
    const short = { ...experiment, train: { ...recipe, epochs: 1 } };
    const plan = await planTraining(short, 'nominal', { steps: 9 });
    expect(plan.measured.steps).toBe(4);
    expect(plan.measured).not.toHaveProperty('validation');
    expect(plan.predicted.validation).toBe(0);
  });

  it('refuses what training would refuse, and a single step', async () => {
    await expect(planTraining(experiment, 'other')).rejects.toThrow(/no network "other"/);
    const misfit = { ...experiment, model: () => ({ ...tinyNetwork(), numClasses: 4 }) };
    await expect(planTraining(misfit, 'nominal')).rejects.toThrow(/of 4 classes/);
    await expect(planTraining(experiment, 'nominal', { steps: 1 })).rejects.toThrow(RangeError);
  });
});
