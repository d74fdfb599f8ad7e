import { crossEntropy, randomSource } from '@llr/core';
import { memory, scalar } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { movingAverages } from '../src/moving-averages.ts';
import { sgd } from '../src/optimizers/sgd.ts';
import { createStepper } from '../src/stepper.ts';
import type { StepInput, StepSetup } from '../src/train-step.ts';
import { stripes, tinyNetwork } from './tiny.ts';

const decay = 0.3;

function setup(options: Partial<StepSetup> = {}) {
  const classifier = tinyNetwork(3);
  const { parameters } = classifier;
  const [optimizer, averages] = [sgd()(parameters), movingAverages(parameters, { decay })];
  const work: StepSetup = {
    classifier,
    regularizers: [],
    optimizer,
    averages,
    loss: crossEntropy,
    random: randomSource(7),
    ...options,
  };
  return {
    work,
    values: () => parameters.map(({ variable }) => Float32Array.from(variable.dataSync())),
    dispose: () => {
      for (const each of [classifier, optimizer, averages]) each.dispose();
    },
  };
}

const inputAt = (step: number): StepInput => ({
  batch: stripes(6, 10 * step),
  step,
  epoch: 0,
  epsilon: 0,
  learningRate: 0.1,
});

describe('moving averages of the parameters', () => {
  it.each([
    ['whole batches', {}],
    ['micro-batches', { microBatchSize: 4 }],
  ])('are TensorFlow’s, min(decay, (1 + t) / (10 + t)), in steps of %s', async (_, options) => {
    const { work, values, dispose } = setup(options);
    const stepper = createStepper(work);
    let expected = values();
    for (const step of [0, 1, 2, 3, 4]) {
      stepper.step(inputAt(step));
      stepper.read();
      // 1/10, 2/11, 3/12, and 0.3 from the fourth on, whose own would be 4/13.
      const d = [1 / 10, 2 / 11, 3 / 12, 0.3, 0.3][step]!;
      const now = values();
      expected = expected.map((average, i) =>
        average.map((value, j) => d * value + (1 - d) * now[i]![j]!),
      );
    }
    const found = await stepper.withAverages(async () => values());
    for (const [i, average] of expected.entries()) {
      for (const [j, value] of average.entries()) expect(found[i]![j]).toBeCloseTo(value, 5);
    }
    stepper.dispose();
    dispose();
  });

  it('give the parameters back to the bit, also when something goes wrong meanwhile, and training goes on', async () => {
    const [{ work, values, dispose }, plain] = [setup(), setup()];
    const [stepper, undisturbed] = [createStepper(work), createStepper(plain.work)];
    for (const each of [stepper, undisturbed]) each.step(inputAt(0));
    stepper.read();
    const before = values();
    const tensors = memory().numTensors;
    expect(await stepper.withAverages(async () => values())).not.toEqual(before);
    expect(values()).toEqual(before);
    const failing = stepper.withAverages(async () => {
      throw new Error('stopped');
    });
    await expect(failing).rejects.toThrow('stopped');
    expect(values()).toEqual(before);
    expect(memory().numTensors).toBe(tensors);
    for (const each of [stepper, undisturbed]) {
      each.step(inputAt(1));
      each.dispose();
    }
    expect(values()).toEqual(plain.values());
    for (const each of [{ dispose }, plain]) each.dispose();
  });

  it('refuse steps while they are in the parameters’ place', async () => {
    const { work, dispose } = setup();
    const stepper = createStepper(work);
    await expect(stepper.withAverages(async () => stepper.step(inputAt(0)))).rejects.toThrow(
      /are their averages now/,
    );
    stepper.step(inputAt(0));
    stepper.dispose();
    dispose();
  });

  it('are part of the state, by names of their own', () => {
    const { work, dispose } = setup();
    const stepper = createStepper(work);
    const names = stepper.state.map(({ name }) => name);
    for (const { name } of work.classifier.parameters) expect(names).toContain(`average/${name}`);
    stepper.dispose();
    dispose();
  });

  it('are left out where none are asked for', async () => {
    const { work, values, dispose } = setup();
    const { averages: _, ...without } = work;
    const stepper = createStepper(without);
    stepper.step(inputAt(0));
    const during = await stepper.withAverages(async () => values());
    expect(during).toEqual(values());
    stepper.dispose();
    dispose();
  });

  it.each([1, -0.1, Number.NaN])('refuse a decay of %s', (decay) => {
    expect(() => movingAverages([], { decay })).toThrow(/less than 1/);
  });

  it('start from the parameters that they are made of', () => {
    const { work, dispose } = setup();
    const averages = movingAverages(work.classifier.parameters, { decay: 0.999 });
    averages.update(scalar(0));
    // d·θ + (1 − d)·θ.
    for (const [i, { variable }] of work.classifier.parameters.entries()) {
      const [found, expected] = [averages.state[i]!.variable.dataSync(), variable.dataSync()];
      for (const [j, value] of expected.entries()) expect(found[j]).toBeCloseTo(value, 6);
    }
    averages.dispose();
    dispose();
  });
});
