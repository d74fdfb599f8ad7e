import type { RecordedStatistics, StatisticsUse, TrainContext } from '@llr/core';
import { crossEntropy, linearize, linfBall, type PerExampleLoss, randomSource } from '@llr/core';
import { inputGradient } from '@llr/engine';
import {
  add,
  matMul,
  mean,
  mul,
  reshape,
  rsqrt,
  scalar,
  softplus,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tensor1d,
} from '@tensorflow/tfjs-core';
import { type Batch, classes, exactCrossEntropy, numbers, pixels } from './networks.ts';

const hidden = 5;

const shapes = {
  first: [pixels, hidden],
  scale: [hidden],
  offset: [hidden],
  second: [hidden, classes],
} as const;

type Name = keyof typeof shapes;
export const names = Object.keys(shapes) as Name[];

/** The parameters of a network of one hidden layer with batch normalisation in front of softplus. */
export type Parameters = Record<Name, Tensor>;
export type Parameters64 = Record<Name, number[]>;

/** Rounded to float32, so that both sides compute with the same numbers. */
export const weights: Parameters64 = {
  first: [...numbers(51, pixels * hidden, -1.5, 1.5)],
  scale: [...numbers(52, hidden, 0.8, 1.8)],
  offset: [...numbers(53, hidden, -0.5, 0.5)],
  second: [...numbers(54, hidden * classes, -2, 2)],
};

export const tensorsOf = (values: Parameters64): Parameters =>
  Object.fromEntries(names.map((name) => [name, tensor(values[name], [...shapes[name]])])) as never;

interface Statistics64 {
  mean: number[];
  variance: number[];
}
export type Use64 = 'batch' | 'running' | Statistics64;

const running64: Statistics64 = {
  mean: [...numbers(55, hidden, -0.5, 0.5)],
  variance: [...numbers(56, hidden, 0.4, 1.2)],
};
const running: RecordedStatistics[string] = {
  mean: tensor1d(running64.mean),
  variance: tensor1d(running64.variance),
};

/** The network; without batch norm it is the same whatever statistics it is given. */
function forward(
  { first, scale, offset, second }: Parameters,
  images: Tensor4D,
  use: StatisticsUse,
  batchNorm: boolean,
): { logits: Tensor2D; recorded?: RecordedStatistics } {
  const inner = matMul(reshape(images, [-1, pixels]), first as Tensor2D);
  if (!batchNorm) return { logits: matMul(softplus(inner), second as Tensor2D) };
  const statistics = use === 'batch' ? batchStatistics(inner as Tensor2D) : given(use);
  const centred = sub(inner, statistics.mean);
  const normed = add(mul(mul(centred, rsqrt(add(statistics.variance, 1e-5))), scale), offset);
  const logits = matMul(softplus(normed) as Tensor2D, second as Tensor2D) as Tensor2D;
  return use === 'batch' ? { logits, recorded: { norm: statistics } } : { logits };
}

const given = (use: 'running' | RecordedStatistics) => (use === 'running' ? running : use.norm!);

function batchStatistics(inner: Tensor2D) {
  const average = mean<Tensor1D>(inner, 0);
  return { mean: average, variance: mean<Tensor1D>(square(sub(inner, average)), 0) };
}

/** The network in float64. */
export function forward64(p: Parameters64, images: number[][], use: Use64, batchNorm: boolean) {
  const inner = images.map((image) =>
    Array.from({ length: hidden }, (_, j) =>
      image.reduce((z, pixel, i) => z + pixel * p.first[i * hidden + j]!, 0),
    ),
  );
  const recorded = statistics64(inner);
  const { mean, variance } = use === 'batch' ? recorded : use === 'running' ? running64 : use;
  const logits = inner.map((row) => {
    const active = row.map((z, j) => {
      const normed = (z - mean[j]!) / Math.sqrt(variance[j]! + 1e-5);
      return Math.log1p(Math.exp(batchNorm ? normed * p.scale[j]! + p.offset[j]! : z));
    });
    return Array.from({ length: classes }, (_, k) =>
      active.reduce((z, h, j) => z + h * p.second[j * classes + k]!, 0),
    );
  });
  return { logits, recorded };
}

function statistics64(inner: number[][]): Statistics64 {
  const over = (f: (row: number[]) => number) =>
    inner.reduce((sum, row) => sum + f(row), 0) / inner.length;
  const mean = Array.from({ length: hidden }, (_, j) => over((row) => row[j]!));
  return { mean, variance: mean.map((m, j) => over((row) => (row[j]! - m) ** 2)) };
}

export function losses64(
  p: Parameters64,
  images: number[][],
  labels: ArrayLike<number>,
  use: Use64,
  batchNorm: boolean,
): number[] {
  return forward64(p, images, use, batchNorm).logits.map((z, row) =>
    exactCrossEntropy(z, labels[row % labels.length]!),
  );
}

/** The gradient of the sum of the losses in every pixel, by central differences. */
export function gradients64(
  p: Parameters64,
  images: number[][],
  labels: ArrayLike<number>,
  use: Use64,
  batchNorm: boolean,
): number[][] {
  const step = 1e-4;
  return images.map((image, row) =>
    image.map((_, pixel) => {
      const moved = images.map((other) => [...other]);
      const at = (by: number) => {
        moved[row]![pixel] = image[pixel]! + by;
        return losses64(p, moved, labels, use, batchNorm).reduce((a, b) => a + b, 0);
      };
      return (at(step) - at(-step)) / (2 * step);
    }),
  );
}

/** Which statistics a regulariser ran the network with, and on how many images. */
export interface Pass {
  use: 'batch' | 'running' | 'nominal' | 'foreign';
  images: number;
}

export interface RecordingContext extends TrainContext {
  passes: Pass[];
  reported: Map<string, Tensor>;
}

/** A training step's context for the network; it notes every pass but its own nominal one. */
export function contextOf(
  parameters: Parameters,
  batch: Batch,
  epsilon: number,
  { batchNorm = true, loss = crossEntropy as PerExampleLoss } = {},
): RecordingContext {
  const passes: Pass[] = [];
  const reported = new Map<string, Tensor>();
  const run = (images: Tensor4D, use: StatisticsUse) => forward(parameters, images, use, batchNorm);
  const nominalPass = run(batch.images, 'batch');
  const recorded = nominalPass.recorded ?? 'running';
  const named = (use: StatisticsUse): Pass['use'] => {
    if (typeof use === 'string') return use;
    return use === recorded ? 'nominal' : 'foreign';
  };
  return {
    ...batch,
    passes,
    reported,
    threat: linfBall(epsilon),
    random: randomSource(0).fork('step', 0).forExamples(batch.indices),
    step: scalar(0),
    epoch: scalar(0),
    loss,
    nominal: {
      logits: nominalPass.logits,
      recorded,
      get loss() {
        return loss(nominalPass.logits, batch.labels);
      },
      get inputGradient() {
        return inputGradient<Tensor4D>(
          (at) => ({ value: loss(run(at, recorded).logits, batch.labels) }),
          batch.images,
        ).gradient;
      },
    },
    forward: (images, use) => {
      passes.push({ use: named(use), images: images.shape[0] });
      return run(images, use);
    },
    linearization: (use) => {
      passes.push({ use, images: batch.images.shape[0] });
      return linearize((at) => run(at, use).logits, batch.images, batch.labels, loss);
    },
    freeze: (use) => (images) => {
      passes.push({ use: named(use), images: images.shape[0] });
      return run(images, use).logits;
    },
    report: (name, value) => {
      reported.set(name, value);
    },
  };
}
