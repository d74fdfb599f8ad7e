import {
  crossEntropy,
  llr,
  type PerExampleLoss,
  projectedAscent,
  type Regularizer,
  randomSource,
  type TrainableClassifier,
} from '@llr/core';
import { wideResNet } from '@llr/models';
import { tidy } from '@tensorflow/tfjs-core';
import { movingAverages } from '../src/moving-averages.ts';
import { sgd } from '../src/optimizers/sgd.ts';
import type { WeightOptimizerFactory } from '../src/optimizers/weight-optimizer.ts';
import type { StepInput } from '../src/train-step.ts';
import { stripes } from './tiny.ts';

export const maximizer = projectedAscent({ stepSize: 0.05, steps: 2 });
export const linear = llr({ lambda: 4, mu: 3, maximizer }) as Regularizer;

/** The same, waiting before its search and after. */
export const waiting = ({ search, ...regularizer }: Regularizer): Regularizer => ({
  ...regularizer,
  searchAsync: async (context) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    // From outside of any scope.
    void context.nominal.inputGradient;
    const found = tidy(() => search!(context));
    context.report('read', context.nominal.loss);
    await Promise.all(Object.values(found).map((tensor) => tensor.data()));
    return found;
  },
});

export interface Changed {
  microBatchSize?: number;
  network?: (network: TrainableClassifier & { dispose(): void }) => TrainableClassifier;
  loss?: PerExampleLoss;
  optimizer?: WeightOptimizerFactory;
}

export function setup(regularizers: readonly Regularizer[], changed: Changed = {}) {
  const made = wideResNet({
    depth: 10,
    widthFactor: 1,
    numClasses: 3,
    inputShape: [8, 8, 1],
    seed: 4,
  });
  const { microBatchSize, network = (same) => same, loss = crossEntropy } = changed;
  const classifier: TrainableClassifier = network(made);
  const optimizer = (changed.optimizer ?? sgd({ weightDecay: 1e-3 }))(classifier.parameters);
  const averages = movingAverages(classifier.parameters, { decay: 0.9 });
  const work = {
    classifier,
    regularizers,
    optimizer,
    averages,
    loss,
    random: randomSource(7),
    ...(microBatchSize !== undefined && { microBatchSize }),
  };
  const variables = [
    ...classifier.parameters,
    ...classifier.runningStatistics!,
    ...optimizer.state,
    ...averages.state,
  ].map(({ variable }) => variable);
  return {
    work,
    values: () => variables.flatMap((variable) => Array.from(variable.dataSync())),
    dispose: () => {
      made.dispose();
      optimizer.dispose();
      averages.dispose();
    },
  };
}

export const inputs = [0, 1].map(
  (step): StepInput => ({
    batch: stripes(6, 10 * step),
    step,
    epoch: step / 2,
    epsilon: 0.05 * (step + 1),
    learningRate: 0.01 / (step + 1),
  }),
);
