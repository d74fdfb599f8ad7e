import type { Preset } from './preset.ts';

/** What `npm start` runs: a nominal network and one with LLR, minutes on two cores without a compiler or GPU. */
export const quickStart: Preset = {
  description: 'a nominal network and one with LLR on Fashion-MNIST, minutes on two cores',
  experiment: {
    name: 'quick-start',
    data: 'fashion-mnist',
    model: 'small-conv-net',
    threat: { norm: 'linf', epsilon: 0.1 },
    train: {
      epochs: 5,
      batchSize: 64,
      examples: 8000,
      optimizer: 'adam',
      learningRate: { schedule: 'cosine-decay', initial: 2e-3 },
      epsilonRamp: 2,
      validation: { examples: 256, attack: 'fgsm' },
    },
    variants: {
      nominal: {},
      LLR: {
        regularizers: [
          {
            name: 'llr',
            lambda: 4,
            mu: 3,
            maximizer: { optimizer: 'adam', stepSize: 0.1, steps: 3 },
          },
        ],
      },
    },
    evaluation: {
      attacks: [
        'fgsm',
        { name: 'pgd', stepSize: 0.02, steps: 20 },
        { name: 'multi-targeted', stepSize: 0.05, steps: 10 },
      ],
      examples: 500,
    },
  },
  sources: {},
};
