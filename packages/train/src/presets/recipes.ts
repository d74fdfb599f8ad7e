import type { Sources } from './preset.ts';

/** What all networks of a data set are trained with. */
export interface Recipe {
  data: string;
  threat: { norm: 'linf'; epsilon: string };
  train: {
    epochs: number;
    batchSize: number;
    optimizer: { name: 'sgd'; momentum: number };
    learningRate: { schedule: 'step-decay'; initial: number; at: number[]; factor: number };
    weightDecay: number;
    epsilonRamp: number;
    augment: boolean;
    validation: { examples: number; every: number; attack: object };
  };
  evaluation: { attacks: (string | { name: string; targets: string })[] };
  sources: Sources;
}

const validation = {
  examples: 1000,
  every: 5,
  attack: { name: 'untargeted', as: 'pgd-50', steps: 50, stepSize: 0.1 },
};

const common: Sources = {
  'train.optimizer.momentum': 'F.2',
  'train.validation': 'of the training set, so that the best network is not chosen on the test set',
  'train.validation.attack': 'Table F2: PGD-50 is the evaluation during training',
  'train.validation.attack.stepSize': "as in the authors' code, and the margin too",
  'evaluation.attacks': 'F.1',
};

/** F.2, CIFAR-10: also of the baselines, which the authors trained by the same schedule. */
export const cifar10: Recipe = {
  data: 'cifar10',
  threat: { norm: 'linf', epsilon: '8/255' },
  train: {
    epochs: 110,
    batchSize: 256,
    optimizer: { name: 'sgd', momentum: 0.9 },
    learningRate: { schedule: 'step-decay', initial: 0.1, at: [100, 105], factor: 0.1 },
    weightDecay: 2e-4,
    epsilonRamp: 15,
    augment: true,
    validation,
  },
  evaluation: { attacks: ['paper-suite'] },
  sources: {
    ...common,
    data: 'F.2',
    'threat.epsilon': 'F.2',
    'train.epochs': 'F.2',
    'train.batchSize': 'F.2',
    'train.learningRate.initial': 'F.2',
    'train.learningRate.at': 'F.2',
    'train.learningRate.factor': 'F.2',
    'train.weightDecay': 'F.2',
    'train.epsilonRamp': 'F.2',
    'train.augment': "not in F.2; as in the authors' code: pad 4, crop, flip",
  },
};

const imageNetTrain = {
  batchSize: 512,
  optimizer: { name: 'sgd', momentum: 0.9 },
  weightDecay: 1e-4,
  augment: true,
  validation,
} as const;

const imageNetSources: Sources = {
  ...common,
  data: 'the folder, or with --data imagenet:PATH another',
  'threat.epsilon': 'F.2',
  'train.epochs': 'F.2',
  'train.batchSize': 'F.2',
  'train.learningRate.initial': 'F.2',
  'train.learningRate.at': 'F.2',
  'train.learningRate.factor': 'F.2',
  'train.weightDecay': 'F.2',
  'train.epsilonRamp': 'F.2',
  'train.augment': 'not in F.2: random crops and flips',
};

/** F.2, ImageNet (4/255). */
export const imageNet4: Recipe = {
  data: 'imagenet:ILSVRC2012',
  threat: { norm: 'linf', epsilon: '4/255' },
  train: {
    epochs: 100,
    ...imageNetTrain,
    learningRate: { schedule: 'step-decay', initial: 0.1, at: [35, 70, 95], factor: 0.1 },
    epsilonRamp: 20,
  },
  evaluation: { attacks: [{ name: 'paper-suite', targets: 'random' }] },
  sources: imageNetSources,
};

/** F.2, ImageNet (16/255). Its ramp is longer than its training, as printed. */
export const imageNet16: Recipe = {
  ...imageNet4,
  threat: { norm: 'linf', epsilon: '16/255' },
  train: {
    epochs: 55,
    ...imageNetTrain,
    learningRate: { schedule: 'step-decay', initial: 0.1, at: [17, 35, 50], factor: 0.1 },
    epsilonRamp: 90,
  },
  sources: {
    ...imageNetSources,
    'train.epsilonRamp': 'F.2, though training ends after 55: ε ends near 9.8/255',
  },
};
