import { type Classifier, fromFunction, type StatisticsUse } from '@llr/core';
import {
  add,
  batchNorm,
  conv2d,
  matMul,
  mean,
  moments,
  mul,
  relu,
  reshape,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tidy,
  type Variable,
  variable,
} from '@tensorflow/tfjs-core';
import { linear, mlp, numbers, type Shape } from './helpers.ts';

export interface TinyModel {
  name: string;
  classifier: Classifier;
  /** What an attack must leave as it is: parameters and running statistics. */
  variables: readonly Variable[];
}

const shape: Shape = [4, 3, 2];

const parameter = (seed: number, dimensions: number[], low: number, high: number): Variable => {
  const count = dimensions.reduce((product, n) => product * n, 1);
  return tidy(() => variable(tensor(numbers(seed, count, low, high), dimensions)));
};

/**
 * A convolution with batch norm: by the running statistics, or by those of the batch, which an attack must not use, as
 * examples would couple and the running ones move.
 */
function normalized(seed: number, numClasses: number): TinyModel {
  const filter = parameter(seed, [3, 3, shape[2], 5], -0.6, 0.6);
  const runningMean = parameter(seed + 1, [5], -0.2, 0.2);
  const runningVariance = parameter(seed + 2, [5], 0.2, 0.6);
  const last = parameter(seed + 3, [5, numClasses], -3, 3);
  const logits = (images: Tensor4D, use: StatisticsUse): Tensor2D =>
    tidy(() => {
      const at = conv2d(images, filter as unknown as Tensor4D, 1, 'same');
      const batch = moments(at, [0, 1, 2]);
      if (use === 'batch') {
        for (const [running, now] of [
          [runningMean, batch.mean],
          [runningVariance, batch.variance],
        ] as const) {
          running.assign(add(running, mul(0.1, sub(now, running))));
        }
      }
      const [center, spread] =
        use === 'batch' ? [batch.mean, batch.variance] : [runningMean, runningVariance];
      const normal = batchNorm(at, center as Tensor1D, spread as Tensor1D);
      return matMul(mean(relu(normal), [1, 2]) as Tensor2D, last as unknown as Tensor2D);
    });
  return {
    name: 'convolution with batch norm',
    variables: [filter, runningMean, runningVariance, last],
    classifier: {
      name: 'batch norm',
      inputShape: shape,
      numClasses,
      statistics: 'recordable',
      forward: (images, use) => ({ logits: logits(images, use) }),
      freeze: (statistics) => (images) => logits(images, statistics),
    },
  };
}

/** A plain function `[b, h · w · c]` → `[b, classes]` with its normalisation inside. */
function plain(
  name: string,
  numClasses: number,
  variables: Variable[],
  logits: (flat: Tensor2D) => Tensor,
): TinyModel {
  const pixels = shape[0] * shape[1] * shape[2];
  const classifier = fromFunction(
    (images) => logits(reshape(mul(sub(images, 0.5), 2), [-1, pixels])) as Tensor2D,
    { inputShape: shape, numClasses, name },
  );
  return { name, classifier, variables };
}

/** Sure of everything: its softmax is 0 and 1, so that the gradient of cross-entropy is 0. */
function saturated(): TinyModel {
  const weights = parameter(41, [24, 3], -1000, 1000);
  return plain('saturated', 3, [weights], (x) => matMul(x, weights as unknown as Tensor2D));
}

/** No gradient anywhere. */
function flat(): TinyModel {
  const weights = parameter(51, [24, 4], -1, 1);
  const bias = parameter(52, [4], -1, 1);
  return plain('flat', 4, [weights, bias], (x) =>
    add(matMul(mul(x, 0), weights as unknown as Tensor2D), bias),
  );
}

/** The models that every attack is tested on: a new one is a line here. */
export const tinyModels: readonly TinyModel[] = [
  { name: 'linear, 2 classes', classifier: linear(11, shape, 2).classifier, variables: [] },
  { name: 'smooth, 5 classes', classifier: mlp(21, shape, 6, 5).classifier, variables: [] },
  normalized(31, 4),
  saturated(),
  flat(),
];
