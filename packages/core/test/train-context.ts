import type {
  NominalPass,
  PerExampleLoss,
  RecordedStatistics,
  StatisticsUse,
  TrainContext,
} from '@llr/core';
import { crossEntropy, linearize, linfBall, randomSource } from '@llr/core';
import { type Scalar, scalar, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import type { Batch, Logits } from './networks.ts';

/** What a regulariser did with its context. */
export interface Seen {
  /** With which statistics it called the network, in order. */
  uses: StatisticsUse[];
  reported: Map<string, Tensor>;
}

/** The statistics that the nominal pass of these contexts "used". */
export const recorded: RecordedStatistics = {
  norm: { mean: tensor1d([0]), variance: tensor1d([1]) },
};

/** A training step's context for a network without batch normalisation that notes what it is asked for. */
export function contextOf(
  logits: Logits,
  batch: Batch,
  epsilon: number,
  loss: PerExampleLoss = crossEntropy,
): TrainContext & Seen {
  const uses: StatisticsUse[] = [];
  const reported = new Map<string, Tensor>();
  const zero: Scalar = scalar(0);
  return {
    ...batch,
    uses,
    reported,
    threat: linfBall(epsilon),
    random: randomSource(0).fork('step', 0).forExamples(batch.indices),
    step: zero,
    epoch: zero,
    loss,
    nominal: nominalOf(logits, batch, loss),
    forward: (images, use) => {
      uses.push(use);
      return { logits: logits(images), ...(use === 'batch' && { recorded }) };
    },
    linearization: () => linearize(logits, batch.images, batch.labels, loss),
    freeze: (use) => (images) => {
      uses.push(use);
      return logits(images);
    },
    report: (name, value) => {
      reported.set(name, value);
    },
  };
}

function nominalOf(logits: Logits, { images, labels }: Batch, loss: PerExampleLoss): NominalPass {
  const around = linearize(logits, images, labels, loss);
  return { logits: logits(images), recorded, ...around };
}
