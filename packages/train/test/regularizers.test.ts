import {
  adam as adamAscent,
  adversarialTraining,
  crossEntropy,
  cure,
  elle,
  gradAlign,
  llr,
  projectedAscent,
  type RecordedStatistics,
  type Regularizer,
  randomSource,
  type StatisticsUse,
  sign,
  type TrainableClassifier,
  trades,
} from '@llr/core';
import { wideResNet } from '@llr/models';
import { memory, type NamedTensorMap, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { sgd } from '../src/optimizers/sgd.ts';
import { trainStep } from '../src/train-step.ts';
import { stripes, tinyNetwork } from './tiny.ts';

const batch = stripes();
const input = { batch, step: 0, epoch: 0.5, epsilon: 0.1, learningRate: 0.01 };
const twoSteps = projectedAscent({ optimizer: adamAscent(), stepSize: 0.05, steps: 2 });
/** FGSM: one sign step as long as the ball is wide. */
const fgsm = projectedAscent({ optimizer: sign(), stepSize: 1, steps: 1 });

const network = () =>
  wideResNet({ depth: 10, widthFactor: 1, numClasses: 3, inputShape: [8, 8, 1] });

function erased<F extends NamedTensorMap>(regularizer: Regularizer<F>): Regularizer {
  return regularizer as unknown as Regularizer;
}

const objectives: Record<string, readonly Regularizer[]> = {
  LLR: [erased(llr({ lambda: 4, mu: 3, maximizer: twoSteps }))],
  "LLR as DeepMind's code": [
    erased(
      llr({
        lambda: 4,
        mu: 1.2,
        maximizer: twoSteps,
        variant: 'deepmind',
        statisticsGradient: 'through',
      }),
    ),
  ],
  ADV: [erased(adversarialTraining({ maximizer: twoSteps }))],
  TRADES: [erased(trades({ beta: 6 }))],
  CURE: [erased(cure({ lambda: 0.1, h: 0.3 }))],
  'FGSM and GradAlign': [
    erased(adversarialTraining({ maximizer: fgsm })),
    erased(gradAlign({ lambda: 0.2 })),
  ],
  'FGSM and ELLE': [
    erased(adversarialTraining({ maximizer: fgsm })),
    erased(elle({ lambda: 100 })),
  ],
};

const step = (
  classifier: TrainableClassifier,
  regularizers: readonly Regularizer[],
  changed: Partial<typeof input> = {},
) =>
  trainStep(
    {
      classifier,
      regularizers,
      optimizer: sgd({ momentum: 0 })(classifier.parameters),
      loss: crossEntropy,
      random: randomSource(7),
    },
    { ...input, ...changed },
  );

const finite = (classifier: TrainableClassifier) =>
  classifier.parameters.every(({ variable }) => variable.dataSync().every(Number.isFinite));

describe.each(Object.keys(objectives))('a step of %s on a wide residual network', (name) => {
  const regularizers = objectives[name]!;

  it('moves the parameters, leaves no tensor, and every number is finite', () => {
    const classifier = network();
    const optimizer = sgd({ momentum: 0 })(classifier.parameters);
    const setup = { classifier, regularizers, optimizer, loss: crossEntropy };
    const weights = () => classifier.parameters.map(({ variable }) => variable.dataSync().slice());
    const before = weights();
    const counts = [0, 1, 2].map((step) => {
      const metrics = trainStep({ ...setup, random: randomSource(7) }, { ...input, step });
      for (const { name } of regularizers) {
        expect(Number.isFinite(metrics[`penalty of ${name}`])).toBe(true);
      }
      return memory().numTensors;
    });
    expect(new Set(counts).size).toBe(1);
    expect(finite(classifier)).toBe(true);
    expect(weights()).not.toEqual(before);
    classifier.dispose();
  });

  it('is finite at ε = 0, and where the logits are constant and every input gradient is 0', () => {
    const classifier = network();
    step(classifier, regularizers, { epsilon: 0 });
    expect(finite(classifier)).toBe(true);
    const last = classifier.parameters.find(({ name }) => name === 'logits/weights')!;
    tidy(() => last.variable.assign(zerosLike(last.variable)));
    const metrics = step(classifier, regularizers);
    expect(finite(classifier)).toBe(true);
    if (name !== 'ADV')
      expect(metrics[`penalty of ${regularizers.at(-1)!.name}`]).toBeCloseTo(0, 9);
    classifier.dispose();
  });
});

it.each(Object.keys(objectives))(
  '%s trains a network without batch norm, which knows only running statistics',
  (name) => {
    const classifier = tinyNetwork(3);
    const metrics = step(classifier, objectives[name]!);
    expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
    expect(finite(classifier)).toBe(true);
    classifier.dispose();
  },
);

/** Notes which statistics each forward pass uses: recorded ones by the number of the pass that recorded them. */
function noting(classifier: TrainableClassifier) {
  const uses: string[] = [];
  const records: RecordedStatistics[] = [];
  const nameOf = (use: StatisticsUse) =>
    typeof use === 'string' ? use : `recorded ${records.indexOf(use)}`;
  const noted: TrainableClassifier = {
    ...classifier,
    forward: (images, use) => {
      uses.push(nameOf(use));
      const pass = classifier.forward(images, use);
      if (pass.recorded) records.push(pass.recorded);
      return pass;
    },
    freeze: (statistics) => {
      const logits = classifier.freeze(statistics);
      return (images) => {
        uses.push(nameOf(statistics));
        return logits(images);
      };
    },
  };
  return { noted, uses };
}

const times = (count: number, use: string) => new Array<string>(count).fill(use);

describe('the statistics of each forward pass of a step', () => {
  it.each([
    // One pass gives ℓ(x), ∇ₓℓ(x) and the statistics, to the search and to the penalty.
    ['LLR', ['batch', ...times(3, 'recorded 0')]],
    ["LLR as DeepMind's code", ['batch', ...times(3, 'recorded 0')]],
    // The nominal pass comes last: it is made for the running statistics alone.
    ['ADV', times(4, 'batch')],
    ['TRADES', [...times(11, 'running'), ...times(2, 'batch')]],
    ['CURE', [...times(2, 'running'), 'batch']],
    ['FGSM and GradAlign', times(5, 'batch')],
    ['FGSM and ELLE', times(4, 'batch')],
  ])('%s', (name, expected) => {
    const classifier = network();
    const { noted, uses } = noting(classifier);
    step(noted, objectives[name]!);
    expect(uses).toEqual(expected);
    classifier.dispose();
  });
});

it('GradAlign and ELLE leave out the nominal loss that FGSM replaces', () => {
  const classifier = network();
  for (const name of ['FGSM and GradAlign', 'FGSM and ELLE']) {
    const metrics = step(classifier, objectives[name]!, { learningRate: 0 });
    const penalties = objectives[name]!.map(
      (regularizer) => metrics[`penalty of ${regularizer.name}`]!,
    );
    expect(metrics.objective).toBeCloseTo(penalties[0]! + penalties[1]!, 5);
    expect(Math.min(...penalties)).toBeGreaterThan(0);
  }
  classifier.dispose();
});

it.each(['LLR', 'TRADES', 'CURE'])(
  '%s with weights of 0 steps as nominal training does',
  (name) => {
    const zero: Record<string, Regularizer> = {
      LLR: erased(llr({ lambda: 0, mu: 0, nominalWeight: 1, maximizer: twoSteps })),
      TRADES: erased(trades({ beta: 0, maximizer: twoSteps })),
      CURE: erased(cure({ lambda: 0, h: 0.3 })),
    };
    const after = [[], [zero[name]!]].map((regularizers) => {
      const classifier = network();
      step(classifier, regularizers);
      const weights = classifier.parameters.flatMap(({ variable }) => [...variable.dataSync()]);
      classifier.dispose();
      return weights;
    });
    const gap = Math.max(...after[0]!.map((weight, i) => Math.abs(weight - after[1]![i]!)));
    expect(gap).toBeLessThan(1e-6);
  },
);
