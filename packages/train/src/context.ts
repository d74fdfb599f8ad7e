import type {
  Batch,
  Classifier,
  ForwardPass,
  NominalPass,
  PerExampleLoss,
  RandomSource,
  RecordedStatistics,
  StatisticsUse,
  ThreatModel,
  TrainContext,
} from '@llr/core';
import { inputGradient } from '@llr/engine';
import {
  dispose,
  keep,
  mean,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';

/** What a `TrainContext` is made from. */
export interface ContextInput {
  classifier: Classifier;
  batch: Batch;
  threat: ThreatModel;
  /** Bound to the batch's examples. */
  random: RandomSource;
  step: Scalar;
  epoch: Scalar;
  loss: PerExampleLoss;
  /** Receives what regularisers report: the mean as a scalar, kept until the context is disposed of. */
  report?: (name: string, mean: Scalar) => void;
}

/**
 * The context of one training step. Parts of the nominal pass are computed when first asked for, even
 * from inside a nested gradient; they live until `dispose()`.
 */
export function createTrainContext(input: ContextInput): TrainContext & { dispose(): void } {
  const { classifier, batch, loss } = input;
  const kept: Tensor[] = [];
  const hold = <T extends Tensor>(tensor: T): T => {
    kept.push(keep(tensor));
    return tensor;
  };
  // A network without batch statistics runs the same way whatever statistics a regulariser means.
  const forward = (images: Tensor4D, use: StatisticsUse): ForwardPass =>
    classifier.forward(images, classifier.statistics === 'running' ? 'running' : use);
  return {
    ...batch,
    threat: input.threat,
    random: input.random,
    step: input.step,
    epoch: input.epoch,
    loss,
    forward,
    nominal: nominalPass(classifier, batch, loss, forward, hold),
    report: (name, value) => input.report?.(name, hold(mean(value)) as Scalar),
    dispose: () => dispose(kept),
  };
}

type Hold = <T extends Tensor>(tensor: T) => T;

function nominalPass(
  classifier: Classifier,
  { images, labels }: Batch,
  loss: PerExampleLoss,
  forward: TrainContext['forward'],
  hold: Hold,
): NominalPass {
  const batchPass = once(() => {
    const { logits, recorded } = forward(images, 'batch');
    for (const { mean, variance } of Object.values(recorded ?? {})) {
      hold(mean);
      hold(variance);
    }
    return { logits: hold(logits), recorded: recorded ?? ('running' as const) };
  });
  const recorded = (): RecordedStatistics | 'running' =>
    classifier.statistics === 'running' ? 'running' : batchPass().recorded;
  // Statistics as constants of x: given back as recorded ones, at the clone that inputGradient works on.
  const gradientPass = once(() => {
    const found = inputGradient((at: Tensor4D) => {
      const { logits } = forward(at, recorded());
      return { value: loss(logits, labels), extra: { logits } };
    }, images);
    return {
      loss: hold(found.value as Tensor1D),
      inputGradient: hold(found.gradient),
      logits: hold(found.extra.logits) as Tensor2D,
    };
  });
  const plainLoss = once(() => hold(loss(batchPass().logits, labels)));
  return {
    get logits() {
      return gradientPass.done() ? gradientPass().logits : batchPass().logits;
    },
    get loss() {
      return gradientPass.done() ? gradientPass().loss : plainLoss();
    },
    get inputGradient() {
      return gradientPass().inputGradient;
    },
    get recorded() {
      return recorded();
    },
  };
}

function once<T>(make: () => T): (() => T) & { done(): boolean } {
  let made: { value: T } | undefined;
  const get = () => {
    made ??= { value: make() };
    return made.value;
  };
  return Object.assign(get, { done: () => made !== undefined });
}
