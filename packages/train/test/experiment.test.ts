import { fgsm } from '@llr/attacks';
import { describe, expect, it } from 'vitest';
import { defineExperiment, type Experiment, warningsAbout } from '../src/experiment.ts';
import { cosineDecay, linearRamp, stepDecay } from '../src/schedules.ts';
import { stripeSource, tinyNetwork } from './tiny.ts';

const experiment = (changes: object = {}): Experiment =>
  ({
    name: 'stripes',
    data: { name: 'stripes', open: async (split: string) => stripeSource(24, split) },
    model: () => tinyNetwork(),
    threat: { norm: 'linf', epsilon: 0.1 },
    train: { epochs: 1, batchSize: 6, learningRate: 0.1 },
    variants: { nominal: {} },
    evaluation: { attacks: [fgsm()] },
    ...changes,
  }) as Experiment;

describe('defineExperiment', () => {
  it('returns a valid experiment as it is', () => {
    const valid = experiment();
    expect(defineExperiment(valid)).toBe(valid);
  });

  it.each([
    ['an ε in grey levels', { threat: { norm: 'linf', epsilon: 8 } }, /8 \/ 255/],
    [
      'an unknown option',
      { train: { epochs: 1, batchSize: 6, learningRate: 0.1, lr: 1 } },
      /train.*lr/,
    ],
    ['a missing option', { train: { epochs: 1, learningRate: 0.1 } }, /train\.batchSize/],
    ['no network', { variants: {} }, /variants: needs at least one/],
    [
      'a thing that is no regulariser',
      { variants: { a: { regularizers: [{ name: 'x' }] } } },
      /variants\.a\.regularizers\.0.*penalty\(\)/,
    ],
    [
      'what a misspelt option may have meant',
      { train: { epochs: 1, batchsize: 6, learningRate: 0.1 } },
      /train\.batchSize: is missing.*train: has no field "batchsize"; did you mean batchSize\?/,
    ],
    [
      'a number of epochs that is none',
      { train: { epochs: 1.5, batchSize: 6, learningRate: 0.1 } },
      /train\.epochs: must be a whole number; got 1\.5/,
    ],
    [
      'a decay after the end',
      { train: { epochs: 104, batchSize: 6, learningRate: stepDecay(0.1, [100, 105]) } },
      /train\.learningRate: it changes at epoch 105, but training ends with epoch 104/,
    ],
    [
      'parts that are no parts of a batch',
      { train: { epochs: 1, batchSize: 6, microBatchSize: 4, learningRate: 0.1 } },
      /train\.microBatchSize: must divide train\.batchSize, 6; got 4/,
    ],
    [
      'an unknown optimiser',
      { train: { epochs: 1, batchSize: 6, learningRate: 0.1, optimizer: 'rmsprop' } },
      /train\.optimizer: must be "sgd" or "adam"; got "rmsprop"/,
    ],
    [
      'an unknown option of an optimiser',
      {
        train: {
          epochs: 1,
          batchSize: 6,
          learningRate: 0.1,
          optimizer: { name: 'sgd', momentun: 0.8 },
        },
      },
      /train\.optimizer: has no field "momentun"; did you mean momentum\?/,
    ],
    [
      'a decay of an average that averages nothing',
      { train: { epochs: 1, batchSize: 6, learningRate: 0.1, averaging: { decay: 1 } } },
      /train\.averaging\.decay: must be below 1; got 1/,
    ],
    [
      'a callback that is told nothing',
      { train: { epochs: 1, batchSize: 6, learningRate: 0.1, callbacks: [{ onstep: () => {} }] } },
      /train\.callbacks\.0: must be an object with one of the methods onStart, onStep/,
    ],
    ['a name that is no folder name', { name: '../up' }, /name: may hold/],
  ])('names %s', (_what, changes, message) => {
    expect(() => defineExperiment(experiment(changes))).toThrow(message);
  });
});

describe('warningsAbout', () => {
  it('says where a ramp that is longer than the training ends', () => {
    const train = { epochs: 55, batchSize: 6, learningRate: 0.1, epsilonRamp: 90 };
    const threat = { norm: 'linf', epsilon: 16 / 255 } as const;
    // 16 · 55 / 90
    expect(warningsAbout(experiment({ train, threat }))).toEqual([
      expect.stringContaining('(9.8/255)'),
    ]);
    expect(warningsAbout(experiment({ train: { ...train, epsilonRamp: 55 }, threat }))).toEqual([]);
  });
});

describe('schedules', () => {
  it('decay by steps at the epochs of the paper', () => {
    const rate = stepDecay(0.1, [100, 105]);
    expect([0, 99.9, 100, 104, 105, 110].map((epoch) => rate(epoch, 110))).toEqual(
      [0.1, 0.1, 0.01, 0.01, 0.001, 0.001].map((value) => expect.closeTo(value, 10)),
    );
  });

  it('refuse epochs that are out of order', () => {
    expect(() => stepDecay(0.1, [105, 100])).toThrow(/ascending; got 105, 100/);
    expect(() => stepDecay(0.1, [5], 0)).toThrow(/factor must be above 0; got 0/);
  });

  it('ramp ε linearly from 0', () => {
    const ramp = linearRamp(8 / 255, 15);
    expect([0, 7.5, 15, 20].map((epoch) => ramp(epoch, 110))).toEqual(
      [0, 4 / 255, 8 / 255, 8 / 255].map((value) => expect.closeTo(value, 10)),
    );
    expect(linearRamp(0.1, 0)(0, 5)).toBe(0.1);
  });

  it('decay along half a cosine', () => {
    const rate = cosineDecay(2);
    expect([0, 5, 10].map((epoch) => rate(epoch, 10))).toEqual(
      [2, 1, 0].map((v) => expect.closeTo(v, 10)),
    );
  });
});
