import {
  adversarialTraining,
  type Batch,
  crossEntropy,
  llr,
  projectedAscent,
  type Regularizer,
  randomSource,
  trades,
} from '@llr/core';
import { wideResNet } from '@llr/models';
import {
  div,
  memory,
  mul,
  scalar,
  sum,
  type Tensor1D,
  type Tensor4D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { microBatchSizes } from '../src/micro-batches.ts';
import { sgd } from '../src/optimizers/sgd.ts';
import { mergeStatistics } from '../src/running-statistics.ts';
import { createStepper } from '../src/stepper.ts';
import { type StepInput, type StepSetup, trainStep } from '../src/train-step.ts';
import { stripes, tinyNetwork } from './tiny.ts';

const maximizer = projectedAscent({ stepSize: 0.05, steps: 3 });
const penalties: Record<string, Regularizer[]> = {
  nothing: [],
  LLR: [llr({ lambda: 4, mu: 3, maximizer }) as never],
  ADV: [adversarialTraining({ maximizer }) as never],
  TRADES: [trades({ beta: 6, maximizer }) as never],
};

const normedNetwork = () =>
  wideResNet({ depth: 10, widthFactor: 1, numClasses: 3, inputShape: [8, 8, 1], seed: 4 });

function setup(
  regularizers: readonly Regularizer[],
  microBatchSize?: number,
  { classifier = tinyNetwork(3), make = sgd({ weightDecay: 1e-3 }) } = {},
) {
  const optimizer = make(classifier.parameters);
  const work: StepSetup = {
    classifier,
    regularizers,
    optimizer,
    loss: crossEntropy,
    random: randomSource(7),
    ...(microBatchSize !== undefined && { microBatchSize }),
  };
  return {
    work,
    values: () =>
      [...classifier.parameters, ...(classifier.runningStatistics ?? []), ...optimizer.state].map(
        ({ variable }) => Float32Array.from(variable.dataSync()),
      ),
    dispose: () => {
      classifier.dispose();
      optimizer.dispose();
    },
  };
}

const inputs = [0, 1].map(
  (step): StepInput => ({
    batch: stripes(7, 10 * step),
    step,
    epoch: step / 2,
    epsilon: 0.1,
    learningRate: 0.01,
  }),
);

/** Two steps. */
function trained(
  regularizers: readonly Regularizer[],
  microBatchSize?: number,
  parts?: Parameters<typeof setup>[2],
) {
  const { work, values, dispose } = setup(regularizers, microBatchSize, parts);
  const unexpected: string[] = [];
  const stepper = createStepper(work, { onEager: ({ message }) => unexpected.push(message) });
  const metrics = inputs.map((input) => stepper.step(input));
  stepper.dispose();
  expect(unexpected).toEqual([]);
  const after = values();
  dispose();
  return { metrics, after };
}

function expectClose(
  found: readonly Float32Array[],
  expected: readonly Float32Array[],
  by: number,
) {
  expect(found).toHaveLength(expected.length);
  for (const [i, values] of expected.entries()) {
    for (const [j, value] of values.entries()) {
      expect(Math.abs(found[i]![j]! - value)).toBeLessThan(by);
    }
  }
}

describe('a batch in micro-batches', () => {
  it.each([
    [7, undefined, [7]],
    [8, 4, [4, 4]],
    [10, 4, [4, 3, 3]],
    [7, 3, [3, 2, 2]],
    [3, 5, [3]],
    [2, 1, [1, 1]],
  ])('%i images by %s: %j', (images, largest, sizes) => {
    expect(microBatchSizes(images, largest)).toEqual(sizes);
  });

  it.each([0, 2.5, -1, Number.NaN])('refuses micro-batches of %s', (largest) => {
    expect(() => microBatchSizes(8, largest)).toThrow(/whole number from 1/);
  });

  it.each(Object.keys(penalties))(
    'is the same step whatever their size, without batch norm: %s',
    (name) => {
      const whole = trained(penalties[name]!);
      const parameters = whole.after.length / 2;
      // 7 is no multiple of either.
      for (const size of name === 'LLR' ? [4, 3] : [3]) {
        const { metrics, after } = trained(penalties[name]!, size);
        expectClose(after.slice(0, parameters), whole.after.slice(0, parameters), 1e-6);
        // The velocities: gradients, of a size around 10, and a search of TRADES starts where there is all but none.
        expectClose(after, whole.after, 1e-4);
        for (const [i, expected] of whole.metrics.entries()) {
          expect(Object.keys(metrics[i]!).sort()).toEqual(Object.keys(expected).sort());
          for (const [key, value] of Object.entries(expected)) {
            expect(metrics[i]![key]).toBeCloseTo(value, 5);
          }
        }
      }
    },
  );

  it('steps eagerly as it does compiled, and so does trainStep', () => {
    const compiled = trained(penalties.LLR!, 3);
    const { work, values, dispose } = setup(penalties.LLR!, 3);
    for (const input of inputs) trainStep(work, input);
    expectClose(values(), compiled.after, 1e-6);
    dispose();
  });

  it('has batch norm use the statistics of each micro-batch, and the weighted mean of their gradients', () => {
    const parts = () => ({ classifier: normedNetwork(), make: sgd({ momentum: 0 }) });
    const [size, input] = [4, inputs[0]!];
    const { work, values, dispose } = setup(penalties.LLR!, size, parts());
    const before = values();
    const stepper = createStepper(work);
    stepper.step(input);
    stepper.dispose();
    const found = values();
    dispose();
    // Steps of 4 and of 3 images from the same parameters: without momentum a step is −η times the gradient.
    const alone = [
      [0, 4],
      [4, 3],
    ].map(([from, count]) => {
      const other = setup(penalties.LLR!, undefined, parts());
      const { images, labels } = stripes(count, from);
      const indices = input.batch.indices.slice(from, from! + count!);
      trainStep(other.work, { ...input, batch: { images, labels, indices } });
      const after = other.values();
      other.dispose();
      return after;
    });
    const parameters = work.classifier.parameters.length;
    const expected = before.slice(0, parameters).map((values, i) =>
      values.map((value, j) => {
        const [first, second] = alone.map((after) => after[i]![j]! - value);
        return value + (4 * first! + 3 * second!) / 7;
      }),
    );
    expectClose(found.slice(0, parameters), expected, 2e-6);
  });

  it('keeps the number of tensors flat, and gives all of them back', () => {
    const { work, dispose } = setup(penalties.LLR!, 3, { classifier: normedNetwork() });
    const before = memory().numTensors;
    const stepper = createStepper(work);
    const counts = [0, 1, 2, 3].map((step) => {
      stepper.step({ ...inputs[0]!, step });
      return memory().numTensors;
    });
    expect(new Set(counts).size).toBe(1);
    stepper.dispose();
    expect(memory().numTensors).toBe(before);
    dispose();
  });

  it('moves nothing when a micro-batch goes wrong, and forgets what was summed up', () => {
    /** 0 / 0 for an image of zeros. */
    const byBrightness: Regularizer = {
      name: 'mine',
      penalty: ({ images, nominal }) => {
        const brightness: Tensor1D = sum(images, [1, 2, 3]);
        return mul(nominal.loss, div(brightness, brightness));
      },
    };
    const { work, values, dispose } = setup([byBrightness], 3);
    const stepper = createStepper(work);
    const before = values();
    const [input, { batch }] = [inputs[0]!, inputs[1]!];
    const dark = tidy(() =>
      mul(
        batch.images,
        [1, 1, 1, 1, 1, 1, 0].map((on) => [[[on]]]),
      ),
    );
    const bad: Batch = { ...batch, images: dark as Tensor4D };
    expect(() => stepper.step({ ...input, batch: bad })).toThrow(/penalty of mine is NaN/);
    stepper.read();
    expect(values()).toEqual(before);
    stepper.step(input);
    stepper.dispose();
    const fresh = setup([byBrightness], 3);
    trainStep(fresh.work, input);
    expectClose(values(), fresh.values(), 1e-6);
    dark.dispose();
    for (const each of [fresh, { dispose }]) each.dispose();
  });
});

describe('batch statistics of parts', () => {
  it('merged are those of all values, by the law of total variance', () => {
    // Far from 0 and close together, where E[x²] − E[x]² would cancel in float32.
    const values = Float32Array.from({ length: 12 }, (_, i) => 50 + Math.sin(i * 7) / 20);
    const momentsOf = (part: Float32Array) => {
      const average = part.reduce((total, x) => total + x, 0) / part.length;
      const variance = part.reduce((total, x) => total + (x - average) ** 2, 0) / part.length;
      return { mean: average, variance };
    };
    const parts = [values.subarray(0, 5), values.subarray(5, 9), values.subarray(9)].map((part) => {
      const { mean, variance } = momentsOf(part);
      const recorded = { norm: { mean: tensor1d([mean]), variance: tensor1d([variance]) } };
      return { weight: scalar(part.length / 12), recorded };
    });
    const { norm } = mergeStatistics(parts);
    const expected = momentsOf(values);
    expect(norm!.mean.dataSync()[0]).toBeCloseTo(expected.mean, 4);
    expect(norm!.variance.dataSync()[0]! / expected.variance).toBeCloseTo(1, 3);
  });

  it('move the running ones once a step: in the first layer that normalises as those of the whole batch', () => {
    const running = [undefined, 3].map((size) => {
      const { work, dispose } = setup([], size, { classifier: normedNetwork() });
      const stepper = createStepper(work);
      stepper.step(inputs[0]!);
      stepper.dispose();
      const { runningStatistics } = work.classifier;
      const found = runningStatistics!.slice(0, 2).map(({ name, variable }) => ({
        name,
        value: Float32Array.from(variable.dataSync()),
      }));
      dispose();
      return found;
    });
    const [whole, split] = running;
    for (const [i, { name, value }] of whole!.entries()) {
      expect(split![i]!.name).toBe(name);
      // It has moved, by a tenth of the way.
      expect(Math.abs(value[0]! - (name.endsWith('mean') ? 0 : 1))).toBeGreaterThan(1e-3);
      expectClose([split![i]!.value], [value], 1e-6);
    }
  });
});
