import {
  adversarialTraining,
  crossEntropy,
  cure,
  elle,
  gradAlign,
  llr,
  projectedAscent,
  type Regularizer,
  randomSource,
  sign,
  trades,
} from '@llr/core';
import { wideResNet } from '@llr/models';
import { getBackend, memory, mul, type Tensor1D, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { adam } from '../src/optimizers/adam.ts';
import { sgd } from '../src/optimizers/sgd.ts';
import { createStepper } from '../src/stepper.ts';
import { type StepInput, type StepMetrics, type StepSetup, trainStep } from '../src/train-step.ts';
import { stripes } from './tiny.ts';

const hasGraphs = getBackend() === 'tensorflow';
const maximizer = projectedAscent({ stepSize: 0.05, steps: 3 });

function setup(regularizers: readonly Regularizer[], make = adam({ weightDecay: 1e-3 })) {
  const classifier = wideResNet({
    depth: 10,
    widthFactor: 1,
    numClasses: 3,
    inputShape: [8, 8, 1],
    seed: 4,
  });
  const optimizer = make(classifier.parameters);
  const work = { classifier, regularizers, optimizer, loss: crossEntropy, random: randomSource(7) };
  const variables = [
    ...classifier.parameters,
    ...classifier.runningStatistics,
    ...optimizer.state,
  ].map(({ variable }) => variable);
  return {
    work,
    values: () => variables.flatMap((variable) => Array.from(variable.dataSync())),
    dispose: () => {
      classifier.dispose();
      optimizer.dispose();
    },
  };
}

/** Everything that changes from step to step does. */
const inputs = [0, 1, 2].map(
  (step): StepInput => ({
    batch: stripes(6, 10 * step),
    step,
    epoch: step / 2,
    epsilon: 0.05 * step,
    learningRate: 0.01 / (step + 1),
  }),
);

const regularizers: Record<string, Regularizer[]> = {
  nothing: [],
  LLR: [llr({ lambda: 4, mu: 3, maximizer }) as Regularizer],
  "LLR as DeepMind's": [
    llr({
      lambda: 4,
      mu: 3,
      maximizer,
      variant: 'deepmind',
      statisticsGradient: 'through',
    }) as never,
  ],
  ADV: [adversarialTraining({ maximizer }) as never],
  TRADES: [trades({ beta: 6 }) as never],
  CURE: [cure({ lambda: 4, h: 0.3 }) as never],
  'FGSM and GradAlign': [
    adversarialTraining({
      maximizer: projectedAscent({ optimizer: sign(), stepSize: 0.1, steps: 1 }),
    }) as never,
    gradAlign({ lambda: 0.2 }) as never,
  ],
  ELLE: [elle({ lambda: 10 }) as never],
};

const close = (found: readonly number[], expected: readonly number[], tolerance: number) => {
  const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
  const difference = norm(found.map((value, i) => value - expected[i]!));
  expect(difference / norm(expected)).toBeLessThan(tolerance);
};

describe('a stepper', () => {
  it.each(Object.keys(regularizers))('steps as trainStep does: %s', (name) => {
    const [compiled, eager] = [setup(regularizers[name]!), setup(regularizers[name]!)];
    const unexpected: string[] = [];
    const stepper = createStepper(compiled.work, {
      onEager: ({ message }) => unexpected.push(message),
    });
    for (const input of inputs) {
      const [found, expected] = [stepper.step(input), trainStep(eager.work, input)];
      expect(Object.keys(found)).toEqual(Object.keys(expected));
      close(Object.values(found), Object.values(expected), 1e-3);
    }
    expect(unexpected).toEqual([]);
    stepper.read();
    // Adam divides by gradients that may be all but 0.
    close(compiled.values(), eager.values(), 2e-3);
    stepper.dispose();
    for (const each of [compiled, eager]) each.dispose();
  });

  it('leaves no tensor from step to step, and the variables when it is disposed of', () => {
    const { work, values, dispose } = setup(regularizers.LLR!, sgd());
    const stepper = createStepper(work);
    const counts = [0, 1, 2, 3].map((step) => {
      stepper.step({ ...inputs[1]!, step });
      return memory().numTensors;
    });
    expect(new Set(counts.slice(1)).size).toBe(1);
    stepper.read();
    const before = values();
    stepper.dispose();
    expect(values()).toEqual(before);
    stepper.dispose();
    dispose();
  });

  it('takes over variables that were changed', () => {
    const { work, dispose } = setup([]);
    const stepper = createStepper(work);
    stepper.step(inputs[0]!);
    stepper.read();
    const last = work.classifier.parameters.filter(({ name }) => name.startsWith('logits'));
    for (const { variable } of last) tidy(() => variable.assign(zerosLike(variable)));
    stepper.write();
    // All classes are alike then.
    expect(stepper.step(inputs[1]!).loss).toBeCloseTo(Math.log(3), 5);
    stepper.dispose();
    dispose();
  });

  it.each([
    ['SGD', sgd(), 1],
    ['Adam', adam(), 2],
  ])(
    'has its whole state by unique names, so that another goes on from a copy: %s',
    (_, make, moments) => {
      const [one, other] = [setup(regularizers.ADV!, make), setup(regularizers.ADV!, make)];
      const [first, second] = [createStepper(one.work), createStepper(other.work)];
      const { parameters, runningStatistics } = one.work.classifier;
      expect(first.state).toHaveLength(
        (1 + moments) * parameters.length + runningStatistics.length + (moments === 2 ? 2 : 0),
      );
      expect(new Set(first.state.map(({ name }) => name)).size).toBe(first.state.length);
      for (const input of inputs) first.step(input);
      first.read();
      const saved = first.state.map(({ name, variable }) => ({ name, value: variable.clone() }));
      const last = first.step({ ...inputs[1]!, step: 3 });
      // So that the copy is taken over by a session that is there already.
      second.step(inputs[2]!);
      second.read();
      const places = new Map(second.state.map(({ name, variable }) => [name, variable]));
      for (const { name, value } of saved) places.get(name)!.assign(value);
      second.write();
      expect(second.step({ ...inputs[1]!, step: 3 })).toEqual(last);
      for (const stepper of [first, second]) stepper.dispose();
      expect(other.values()).toEqual(one.values());
      for (const each of [one, other]) each.dispose();
      for (const { value } of saved) value.dispose();
    },
  );

  it('refuses a network two of whose arrays have the same name', () => {
    const { work, dispose } = setup([]);
    const [twice, ...others] = work.classifier.parameters;
    const parameters = [twice!, { ...others[0]!, name: twice!.name }, ...others.slice(1)];
    const classifier = { ...work.classifier, parameters };
    expect(() => createStepper({ ...work, classifier })).toThrow(
      `Two arrays of the training are called ${twice!.name}`,
    );
    dispose();
  });

  it('names a regulariser that goes wrong', () => {
    const { work, dispose } = setup([
      { name: 'mine', penalty: ({ nominal }) => mul(nominal.loss, Number.NaN) },
    ]);
    const stepper = createStepper(work);
    expect(() => stepper.step(inputs[1]!)).toThrow(/penalty of mine is NaN/);
    stepper.dispose();
    dispose();
  });
});

describe('a regulariser that reads values', () => {
  const reading = (read: Regularizer['penalty']): Regularizer => ({
    name: 'reading',
    penalty: read,
  });
  const run = (regularizer: Regularizer, compiled = true) => {
    const { work, values, dispose } = setup([regularizer]);
    const reasons: string[] = [];
    const onEager = ({ message }: Error) => reasons.push(message);
    const stepper = createStepper(work as StepSetup, { compiled, onEager });
    const metrics = inputs.map((input): StepMetrics => stepper.step(input));
    stepper.dispose();
    const after = values();
    dispose();
    return { metrics, reasons, after };
  };

  it('of a tensor has steps run eagerly, where they would be compiled, and says so once', () => {
    const largest = reading(({ nominal }) => {
      const most = Math.max(...nominal.loss.dataSync());
      return mul(nominal.loss, most) as Tensor1D;
    });
    const found = run(largest);
    expect(found.reasons).toHaveLength(hasGraphs ? 1 : 0);
    if (hasGraphs) expect(found.reasons[0]).toContain('read');
    const eager = run(largest, false);
    expect(eager.reasons).toEqual([]);
    expect(found.metrics).toEqual(eager.metrics);
    expect(found.after).toEqual(eager.after);
  });

  it('of the numbers of the examples has them all the same', () => {
    const weighted = reading(({ nominal, indices }) => mul(nominal.loss, indices[0]! + 1));
    const found = run(weighted);
    expect(found.reasons).toHaveLength(1);
    expect(found.reasons[0]).toContain('which examples are in the batch');
    expect(found.metrics).toEqual(run(weighted, false).metrics);
  });
});
