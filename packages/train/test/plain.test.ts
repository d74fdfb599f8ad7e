import { fgsm, multiTargeted, paperSuite, pgd } from '@llr/attacks';
import {
  adam,
  adversarialTraining,
  crossEntropy,
  cure,
  inRadii,
  llr,
  piecewise,
  projectedAscent,
  squaredError,
  steepest,
  trades,
} from '@llr/core';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { experimentFrom } from '../src/plain/experiment-from.ts';
import { withOverrides } from '../src/plain/overrides.ts';
import type { PlainExperiment } from '../src/plain/plain-experiment.ts';
import { type EpochSchedule, stepDecay } from '../src/schedules.ts';
import { stripeSource, tinyNetwork } from './tiny.ts';

const yaml = `
name: plain
data: cifar10
model: { name: wrn-10-1, activation: relu, std: [63/255, 62.1/255, 66.7/255] }
threat: { norm: linf, epsilon: 8/255 }
train:
  epochs: 110
  batchSize: 256
  learningRate: { schedule: step-decay, initial: 0.1, at: [100, 105], factor: 0.2 }
  optimizer: { name: sgd, momentum: 0.8 }
  weightDecay: 2e-4
  validation: { examples: 10, every: 5, attack: { name: pgd, steps: 50, stepSize: [[0, 0.1], [25, 0.01]], as: mine } }
variants:
  nominal: {}
  LLR:
    regularizers:
      - { name: llr, lambda: 4, mu: 3, maximizer: { steps: 15, stepSize: 0.1, optimizer: { name: adam, beta1: 0.5 } } }
  others:
    regularizers:
      - { name: cure, lambda: 1, h: 0.75, squared: true }
      - { name: trades, beta: 6, maximizer: { steps: 10, stepSize: 0.25, optimizer: steepest, inRadii: true } }
evaluation:
  attacks: [fgsm, { name: multi-targeted, steps: 20, stepSize: 1/10, restarts: 2 }, { name: paper-suite, restarts: 1 }]
  examples: 100
`;
const plain = () => parse(yaml) as PlainExperiment;

describe('experimentFrom', () => {
  it('makes of plain data what code would make', async () => {
    const made = await experimentFrom(plain());
    expect(made.data).toBe('cifar10');
    expect(made.threat).toEqual({ norm: 'linf', epsilon: 8 / 255 });
    const { learningRate, validation, ...train } = made.train;
    expect(train).toEqual({
      epochs: 110,
      batchSize: 256,
      optimizer: { name: 'sgd', momentum: 0.8 },
      weightDecay: 2e-4,
    });
    expect((learningRate as EpochSchedule).settings).toEqual(
      stepDecay(0.1, [100, 105], 0.2).settings,
    );
    expect((learningRate as EpochSchedule)(103, 110)).toBeCloseTo(0.02, 10);
    const attack = pgd({
      steps: 50,
      stepSize: piecewise([
        [0, 0.1],
        [25, 0.01],
      ]),
      name: 'mine',
    });
    expect(validation).toMatchObject({ examples: 10, every: 5 });
    expect(described(validation!.attack)).toEqual(described(attack));
    const ascent = projectedAscent({ steps: 15, stepSize: 0.1, optimizer: adam({ beta1: 0.5 }) });
    const radii = projectedAscent({ steps: 10, stepSize: 0.25, optimizer: inRadii(steepest()) });
    expect(made.variants.nominal).toEqual({});
    expect(made.variants.LLR!.regularizers!.map(described)).toEqual([
      described(llr({ lambda: 4, mu: 3, maximizer: ascent })),
    ]);
    expect(made.variants.others!.regularizers!.map(described)).toEqual([
      described(cure({ lambda: 1, h: 0.75, squared: true })),
      described(trades({ beta: 6, maximizer: radii })),
    ]);
    const attacks = [
      fgsm(),
      multiTargeted({ steps: 20, stepSize: 0.1, restarts: 2 }),
      ...paperSuite({ restarts: 1 }),
    ];
    expect(made.evaluation!.attacks.map(described)).toEqual(attacks.map(described));
    const model = made.model({ inputShape: [16, 16, 3], numClasses: 5, seed: 3 });
    expect(model).toMatchObject({
      name: 'wrn-10-1',
      numClasses: 5,
      config: { activation: 'relu', seed: 3, std: [63 / 255, 62.1 / 255, 66.7 / 255] },
    });
  });

  it('leaves what is real as it is', async () => {
    const regularizer = adversarialTraining();
    const data = { name: 'stripes', open: async (split: string) => stripeSource(24, split) };
    const model = () => tinyNetwork();
    const onStep = () => {};
    const made = await experimentFrom({
      ...plain(),
      data,
      model,
      loss: 'squared-error',
      train: { epochs: 1, batchSize: 6, learningRate: 0.1, callbacks: [{ onStep }] },
      variants: { mixed: { regularizers: [regularizer, 'adversarial-training'] } },
    });
    expect(made).toMatchObject({ data, model, loss: squaredError });
    expect(made.train.callbacks).toEqual([{ onStep }]);
    expect(made.variants.mixed!.regularizers![0]).toBe(regularizer);
    expect(described(made.variants.mixed!.regularizers![1]!)).toEqual(described(regularizer));
  });

  it("takes plugins of the user's own from modules", async () => {
    const modules: Record<string, unknown> = {
      './mine.ts': ({ weight = 1 }) => ({ name: `mine-${weight}`, penalty: () => {} }),
      './ready.ts': cure({ lambda: 1, h: 1 }),
      './net.ts': ({ hidden, seed }: { hidden: number; seed: number }) => ({ hidden, seed }),
      './loss.ts': () => crossEntropy,
      './rate.ts':
        ({ initial }: { initial: number }) =>
        () =>
          initial,
      './search.ts': { name: 'search', maximize: () => {} },
      './bells.ts': ({ to }: { to: string }) => ({ onEnd: () => {}, to }),
      './attacks.ts': () => [fgsm({ name: 'a' }), fgsm({ name: 'b' })],
    };
    const asked: string[] = [];
    const load = async (module: string) => {
      asked.push(module);
      return modules[module];
    };
    const made = await experimentFrom(
      {
        ...plain(),
        model: { from: './net.ts', hidden: 7 },
        loss: { from: './loss.ts' },
        train: {
          epochs: 1,
          batchSize: 6,
          learningRate: { from: './rate.ts', initial: 0.3 },
          callbacks: [{ from: './bells.ts', to: 'all' }],
        },
        variants: {
          mine: {
            regularizers: [
              { from: './mine.ts', weight: 3 },
              { from: './mine.ts' },
              { from: './ready.ts' },
              { name: 'adversarial-training', maximizer: { from: './search.ts' } },
            ],
          },
        },
        evaluation: { attacks: [{ from: './attacks.ts' }] },
      },
      { load },
    );
    const names = made.variants.mine!.regularizers!.map(({ name }) => name);
    expect(names).toEqual(['mine-3', 'mine-1', 'cure', 'adversarial-training']);
    expect(made.variants.mine!.regularizers![3]!.settings).toEqual({ maximizer: 'search' });
    expect(made.evaluation!.attacks.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(made.loss).toBe(crossEntropy);
    expect((made.train.learningRate as () => number)()).toBe(0.3);
    expect(made.train.callbacks).toMatchObject([{ to: 'all' }]);
    const request = { inputShape: [8, 8, 1] as const, numClasses: 3, seed: 2 };
    expect(made.model(request)).toEqual({ hidden: 7, seed: 2 });
    expect(new Set(asked).size).toBe(8);
  });

  it.each([
    [
      'batchsize: 6',
      'train.batchsize=6',
      /train: has no field "batchsize"; did you mean batchSize\?/,
    ],
    [
      'a field of a part that is left out',
      'train.avreging.decay=0.9',
      /train: has no field "avreging"; did you mean averaging\?/,
    ],
    [
      'an unknown regulariser',
      'variants.LLR.regularizers.0.name=lrr',
      /variants\.LLR\.regularizers\.0: there is no regulariser "lrr"; did you mean llr\?/,
    ],
    [
      'an unknown option',
      'variants.LLR.regularizers.0.lamda=3',
      /variants\.LLR\.regularizers\.0: llr: has no field "lamda"; did you mean lambda\?/,
    ],
    [
      'an option out of range',
      'variants.LLR.regularizers.0.mu=-1',
      /variants\.LLR\.regularizers\.0\.mu: llr: must be 0 or more; got -1/,
    ],
    [
      'an option of a maximizer',
      'variants.LLR.regularizers.0.maximizer.steps=0',
      /variants\.LLR\.regularizers\.0\.maximizer\.steps: .*must be above 0; got 0/,
    ],
    [
      'a missing option',
      'variants.others.regularizers.1.beta=null',
      /regularizers\.1\.beta: trades: is missing: it must be a number/,
    ],
    [
      'an unknown optimiser of an ascent',
      'variants.LLR.regularizers.0.maximizer.optimizer=adm',
      /maximizer\.optimizer: .*no optimizer of an ascent "adm"; did you mean adam\?/,
    ],
    [
      'a network of no such depth',
      'model.name=wrn-29-8',
      /model: there is no model "wrn-29-8"; did you mean wrn-28-8\?/,
    ],
    [
      'an option of a network',
      'model.activation=softmax',
      /model\.activation: wrn-10-1: must be "softplus" or "relu"/,
    ],
    ['unknown data', 'data=cifar', /data: there is no data "cifar"; did you mean cifar10\?/],
    ['data that needs a path', 'data=imagenet', /data\.path: imagenet: is missing/],
    [
      'an unknown attack',
      'evaluation.attacks.0=fsgm',
      /evaluation\.attacks\.0: there is no attack "fsgm"; did you mean fgsm\?/,
    ],
    [
      'a suite where one attack is meant',
      'train.validation.attack=paper-suite',
      /train\.validation\.attack: there is no attack "paper-suite"/,
    ],
    [
      'an unknown schedule',
      'train.learningRate.schedule=step',
      /train\.learningRate: there is no learning rate "step"; did you mean step-decay\?/,
    ],
    [
      'a schedule that does not fit',
      'train.epochs=102',
      /train\.learningRate: it changes at epoch 105, but training ends with epoch 102/,
    ],
    [
      'an ε that is none',
      'threat.epsilon=eight',
      /threat\.epsilon: must be a number, such as 0\.1 or 8\/255; got "eight"/,
    ],
    [
      'a module where none can be loaded',
      'model={ from: ./net.ts }',
      /model: \.\/net\.ts can't be loaded here/,
    ],
    [
      'an optimiser option',
      'train.optimizer.momentum=1.5',
      /train\.optimizer\.momentum: sgd: must be below 1; got 1\.5/,
    ],
  ])('names %s', async (_what, setting, message) => {
    await expect(experimentFrom(withOverrides(plain(), [setting]))).rejects.toThrow(message);
  });

  it.each([
    [
      'nothing usable',
      3,
      {},
      /\.\/a\.ts gives no regulariser: its default export must be an object with a name and a penalty\(\) method, or a function of the options/,
    ],
    [
      'something that takes no options',
      cure({ lambda: 1, h: 1 }),
      { weight: 2 },
      /takes no options, such as weight/,
    ],
  ])('refuses a module that gives %s', async (_what, exported, options, message) => {
    const regularizers = [{ from: './a.ts', ...options }];
    const load = async () => exported;
    await expect(
      experimentFrom({ ...plain(), variants: { a: { regularizers } } }, { load }),
    ).rejects.toThrow(message);
  });
});

describe('withOverrides', () => {
  it('replaces values at any depth and leaves the config alone', () => {
    const config = plain();
    const changed = withOverrides(config, [
      'train.batchSize=128',
      'variants.LLR.regularizers.0.lambda=3',
      'variants.LLR.regularizers.0.maximizer.optimizer=sign',
      'threat.epsilon=4/255',
      'train.learningRate.at=[50, 60]',
      'train.averaging.decay=0.999',
      'evaluation.attacks.3=square',
      'train.validation=null',
    ]);
    expect(config).toEqual(plain());
    expect(changed.train).toMatchObject({
      batchSize: 128,
      learningRate: { initial: 0.1, at: [50, 60] },
      averaging: { decay: 0.999 },
    });
    expect(changed.train).not.toHaveProperty('validation');
    expect(changed.threat.epsilon).toBe('4/255');
    expect(changed.variants.LLR!.regularizers![0]).toMatchObject({
      lambda: 3,
      mu: 3,
      maximizer: { steps: 15, optimizer: 'sign' },
    });
    expect(changed.evaluation!.attacks).toHaveLength(4);
    expect(Object.keys(changed.variants)).toEqual(['nominal', 'LLR', 'others']);
  });

  it('gives options to what is named by its name alone', () => {
    const changed = withOverrides({ ...plain(), model: 'wrn-28-8' }, ['model.activation=relu']);
    expect(changed.model).toEqual({ name: 'wrn-28-8', activation: 'relu' });
  });

  it('finds names with dots in them', () => {
    const variants = { 'LLR-0.2': { regularizers: [{ name: 'llr', lambda: 4, mu: 0.8 }] } };
    const changed = withOverrides({ ...plain(), variants }, [
      'variants.LLR-0.2.regularizers.0.mu=1',
    ]);
    expect(changed.variants).toEqual({
      'LLR-0.2': { regularizers: [{ name: 'llr', lambda: 4, mu: 1 }] },
    });
  });

  it.each([
    ['no value', 'train.batchSize', /"train\.batchSize" should be path=value/],
    ['no YAML', 'train={', /"train=\{": the value is no YAML/],
    [
      'no such network',
      'variants.LRR.regularizers.0.mu=1',
      /variants has no "LRR"; did you mean LLR\?/,
    ],
    [
      'no such place',
      'variants.LLR.regularizers.1.mu=1',
      /variants\.LLR\.regularizers has 1 entry, numbered from 0/,
    ],
    [
      'no number',
      'variants.LLR.regularizers.first.mu=1',
      /there is no variants\.LLR\.regularizers\.first/,
    ],
    ['a number', 'train.epochs.last=1', /train\.epochs is 110, which has no field last/],
    [
      'code',
      'variants.real.regularizers.0.mu=1',
      /variants\.real\.regularizers\.0 is made in code/,
    ],
  ])('refuses a path that leads to %s', (_what, setting, message) => {
    const config = plain();
    const real = { regularizers: [llr({ lambda: 1, mu: 1 })] };
    const withCode = { ...config, variants: { ...config.variants, real } };
    expect(() => withOverrides(withCode, [setting])).toThrow(message);
  });
});

/** What a plugin says of itself. */
const described = ({ name, settings }: { name: string; settings?: unknown }) => ({
  name,
  settings,
});
