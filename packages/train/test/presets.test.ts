import { describe, expect, it } from 'vitest';
import { warningsAbout } from '../src/experiment.ts';
import { experimentFrom } from '../src/plain/experiment-from.ts';
import { parseExperiment } from '../src/plain/parse-experiment.ts';
import type { Named } from '../src/plain/plain-experiment.ts';
import { presetNamed, presets } from '../src/presets/index.ts';
import { scales } from '../src/presets/preset.ts';
import { printPreset } from '../src/presets/print-preset.ts';
import type { EpochSchedule } from '../src/schedules.ts';

const names = Object.keys(presets);
const both = names.flatMap((name) => scales.map((scale) => [name, scale] as const));

/** The first regulariser of a network, as plain data. */
const penaltyOf = (name: string, variant: string) =>
  presetNamed(name).experiment.variants[variant]!.regularizers![0] as Named & {
    maximizer: { optimizer: string; stepSize: number; steps: number };
  };

describe('presets', () => {
  it('are all that the paper has', () => {
    const methods = ['nominal', 'llr', 'gamma', 'adv', 'trades', 'cure'];
    const networks = ['cifar10-wrn-28-8', 'cifar10-wrn-40-8', 'imagenet-4', 'imagenet-16'];
    expect(names).toEqual([
      'quick-start',
      ...networks.flatMap((network) => methods.map((method) => `${network}-${method}`)),
      'cifar10-wrn-28-8-few-steps',
      'cifar10-wrn-28-10-adv-steps',
      'cifar10-wrn-28-8-adv-20',
      'cifar10-wrn-28-8-sweep',
      'cifar10-wrn-40-8-sweep',
    ]);
  });

  it.each(both)('%s builds at %s scale, and its printed form is the same', async (name, scale) => {
    const { experiment } = presetNamed(name, scale);
    await experimentFrom(experiment);
    expect(parseExperiment(printPreset(name, scale), name)).toEqual(experiment);
  });

  it.each(names)('%s says of places only that are there', (name) => {
    const printed = printPreset(name);
    for (const place of Object.values(presetNamed(name).sources)) expect(printed).toContain(place);
  });

  it('refuses what it does not know', () => {
    expect(() => presetNamed('cifar10-wrn-28-8-lrr')).toThrow(
      /did you mean cifar10-wrn-28-8-llr\?/,
    );
    expect(() => presetNamed('quick-start', 'tiny' as never)).toThrow(
      /no scale "tiny".*paper, mini/,
    );
  });
});

// What follows is copied from the paper's supplement, F.2 to F.4 and Table A1.
describe('presets have the numbers of the paper', () => {
  it('CIFAR-10', async () => {
    for (const name of names.filter((each) => each.startsWith('cifar10'))) {
      const { train, threat } = await experimentFrom(presetNamed(name).experiment);
      // “initial learning rate 0.1 and we decrease after 100 and 105 epochs with a factor of 0.1. We train to 110
      // epochs. The optimizer we used momentum 0.9. … l2-regularization of 2e-4 … a batch size of 256. … over 15
      // epochs starting from 0.0 until it gets to 8/255.”
      expect(train).toMatchObject({
        epochs: 110,
        optimizer: { name: 'sgd', momentum: 0.9 },
        weightDecay: 2e-4,
        batchSize: 256,
        epsilonRamp: 15,
      });
      expect(rates(train.learningRate, [0, 99, 100, 104, 105, 109], 110)).toEqual(
        [0.1, 0.1, 0.01, 0.01, 0.001, 0.001].map((rate) => expect.closeTo(rate, 10)),
      );
      expect(threat).toEqual({ norm: 'linf', epsilon: 8 / 255 });
    }
  });

  it('ImageNet', async () => {
    // “decay by 0.1 after 35, 70 and 95 epochs. We train for 100 epochs. … over 20 epochs from 0 to 4/255.”
    // “decay by 0.1 after 17 and 35 epochs and 50 epochs – we train to 55 epochs. … over 90 epochs from 0 to 16/255.”
    const printed = {
      'imagenet-4': { epochs: 100, at: [35, 70, 95], ramp: 20, epsilon: 4 / 255 },
      'imagenet-16': { epochs: 55, at: [17, 35, 50], ramp: 90, epsilon: 16 / 255 },
    };
    for (const [network, { epochs, at, ramp, epsilon }] of Object.entries(printed)) {
      for (const name of names.filter((each) => each.startsWith(`${network}-`))) {
        const { train, threat } = await experimentFrom(presetNamed(name).experiment);
        expect(train).toMatchObject({
          epochs,
          epsilonRamp: ramp,
          batchSize: 512,
          weightDecay: 1e-4,
        });
        const expected = [0.1, 0.01, 0.001, 0.0001].map((rate) => expect.closeTo(rate, 10));
        expect(rates(train.learningRate, [0, ...at], epochs)).toEqual(expected);
        expect(
          rates(
            train.learningRate,
            at.map((epoch) => epoch - 0.01),
            epochs,
          ),
        ).toEqual(expected.slice(0, 3));
        expect(threat).toEqual({ norm: 'linf', epsilon });
      }
    }
  });

  it('imagenet-16 ends near 9.8/255, which is said', async () => {
    const experiment = await experimentFrom(presetNamed('imagenet-16-llr').experiment);
    expect(warningsAbout(experiment)).toEqual([expect.stringContaining('9.8/255')]);
    const other = await experimentFrom(presetNamed('imagenet-4-llr').experiment);
    expect(warningsAbout(other)).toEqual([]);
  });

  it.each([
    // “For LLR the λ = 4 and µ = 3, the weight placed on the nominal loss is also 2.” “with 10 and 15 steps of PGD
    // respectively using Adam with step size of 0.1”; WRN-28-8 of Table F2 is (4, 0.5), a second column of μ/λ.
    ['cifar10-wrn-28-8', 4, 2, 2, 10],
    ['cifar10-wrn-40-8', 4, 3, 2, 15],
    // “λ = 3 and µ = 6, the weights placed on the nominal loss is 3 … 2 steps of PGD using Adam and step size 0.1”
    ['imagenet-4', 3, 6, 3, 2],
    // “λ = 3 and µ = 9, the weights placed on the nominal loss is 3 … 10 steps”
    ['imagenet-16', 3, 9, 3, 10],
  ])('the methods of %s', (network, lambda, mu, nominalWeight, steps) => {
    const maximizer = { optimizer: 'adam', stepSize: 0.1, steps };
    const llr = { name: 'llr', lambda, mu, nominalWeight, maximizer };
    expect(penaltyOf(`${network}-llr`, 'LLR')).toEqual(llr);
    expect(penaltyOf(`${network}-gamma`, 'gamma')).toEqual({ ...llr, mu: 0 });
    expect(penaltyOf(`${network}-adv`, 'ADV')).toEqual({ name: 'adversarial-training', maximizer });
    // The best weight on TRADES in Table F2, of either network.
    expect(penaltyOf(`${network}-trades`, 'TRADES')).toEqual({
      name: 'trades',
      beta: 6,
      maximizer,
    });
  });

  it.each([
    [
      'cifar10-wrn-28-8-sweep',
      [
        [4, 0.2],
        [4, 0.3],
        [4, 0.5],
      ],
      [2, 4, 6, 8],
    ],
    [
      'cifar10-wrn-40-8-sweep',
      [
        [3, 0.5],
        [3, 2],
        [4, 0.75],
        [4, 0.85],
      ],
      [4, 6, 8],
    ],
  ])('the sweep %s of Table F2', (name, llr, trades) => {
    const variants = Object.keys(presetNamed(name).experiment.variants);
    const found = variants.map((variant) => penaltyOf(name, variant));
    expect(
      found.filter((each) => each.name === 'llr').map(({ lambda, mu }) => [lambda, mu]),
    ).toEqual(llr.map(([lambda, ratio]) => [lambda, expect.closeTo(lambda! * ratio!, 10)]));
    expect(found.filter((each) => each.name === 'trades').map(({ beta }) => beta)).toEqual(trades);
  });

  it('the few steps of Table F4 and the many of Table A1', () => {
    const steps = (name: string) =>
      Object.keys(presetNamed(name).experiment.variants).map((variant) => {
        const { name: method, maximizer } = penaltyOf(name, variant);
        return [variant, method, maximizer.steps];
      });
    expect(steps('cifar10-wrn-28-8-few-steps')).toEqual([
      ['ADV-1', 'adversarial-training', 1],
      ['ADV-2', 'adversarial-training', 2],
      ['LLR-1', 'llr', 1],
      ['LLR-2', 'llr', 2],
    ]);
    expect(steps('cifar10-wrn-28-10-adv-steps')).toEqual(
      [1, 2, 4, 8, 16].map((k) => [`ADV-${k}`, 'adversarial-training', k]),
    );
  });

  it.each([
    ['cifar10-wrn-28-8-llr', 'wrn-28-8'],
    ['cifar10-wrn-40-8-adv', 'wrn-40-8'],
    ['cifar10-wrn-28-10-adv-steps', 'wrn-28-10'],
    ['imagenet-4-llr', 'resnet-152'],
  ])('the network of %s', (name, model) => {
    expect(presetNamed(name).experiment.model).toMatchObject({
      name: model,
      activation: 'softplus',
    });
  });

  it.each([
    ['cifar10-wrn-28-8-sweep', 'LLR-4-0.3', 'Table F2: nominal 87.64 %, PGD-50 52.55 %'],
    ['cifar10-wrn-40-8-sweep', 'TRADES-6', 'Table F2: nominal 88.12 %, PGD-50 52.24 %'],
    [
      'cifar10-wrn-28-8-few-steps',
      'LLR-2',
      'Table F4: nominal 90.46 %, Untargeted 46.47 %, Multi-Targeted 44.50 %',
    ],
    ['cifar10-wrn-28-10-adv-steps', 'ADV-4', 'Table A1: nominal 87.70 %, Multi-Targeted 45.91 %'],
    [
      'imagenet-4-gamma',
      'gamma',
      'Table F3: nominal 71.40 %, Untargeted 41.30 %, Random-Targeted success 1.90 %',
    ],
  ])('what %s came to in the paper', (name, variant, published) => {
    expect(presetNamed(name).sources[`variants.${variant}`]).toBe(published);
  });
});

describe('in miniature', () => {
  it('schedules are shortened by one factor and regularisers are the same', async () => {
    const mini = presetNamed('cifar10-wrn-40-8-llr', 'mini').experiment;
    expect(mini).toMatchObject({
      name: 'cifar10-wrn-40-8-llr-mini',
      data: 'fashion-mnist',
      threat: { epsilon: 0.1 },
      train: { epochs: 11, learningRate: { at: [10, 10.5] }, epsilonRamp: 1.5, weightDecay: 2e-4 },
      variants: presetNamed('cifar10-wrn-40-8-llr').experiment.variants,
    });
    // 6 of 55 epochs: decays at 17, 35 and 50 of 55, and a ramp over 90 that ends where it did.
    const longRamp = presetNamed('imagenet-16-llr', 'mini').experiment;
    expect(longRamp.train).toMatchObject({
      epochs: 6,
      learningRate: { at: [1.85, 3.82, 5.45] },
      epsilonRamp: 9.82,
    });
  });

  it('quick-start is small already', () => {
    expect(presetNamed('quick-start', 'mini')).toBe(presetNamed('quick-start'));
  });
});

describe('printPreset', () => {
  it('puts the place in the paper behind each value', () => {
    const lines = printPreset('cifar10-wrn-28-8-llr').split('\n');
    expect(lines).toContain('  batchSize: 256 # F.2');
    expect(lines).toContain("        mu: 2 # Table F2: the best row's 0.5 is μ/λ");
    expect(lines).toContain('    at: [ 100, 105 ] # F.2');
    expect(lines).toContain(
      '  # Table F3: nominal 86.83 %, Untargeted 52.99 %, Multi-Targeted 51.13 %',
    );
  });

  it('says what is otherwise in miniature, and what was set', () => {
    const lines = printPreset('cifar10-wrn-28-8-llr', 'mini', ['train.batchSize=32']).split('\n');
    expect(lines).toContain('  epochs: 11 # 110 at paper scale (F.2)');
    expect(lines).toContain('  batchSize: 32 # set here');
    expect(lines.some((line) => line.includes('Table F3'))).toBe(false);
  });
});

const rates = (rate: number | EpochSchedule, at: readonly number[], epochs: number) =>
  at.map((epoch) => (rate as EpochSchedule)(epoch, epochs));
