import type {
  NamedTensorMap,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor4D,
} from '@tensorflow/tfjs-core';
import type { ForwardPass, RecordedStatistics, StatisticsUse } from './classifier.ts';
import type { RandomSource } from './random-source.ts';
import type { ThreatModel } from './threat-model.ts';

/** A loss of logits `[b, classes]` and int32 labels `[b]`, per example: `[b]`. */
export type PerExampleLoss = (logits: Tensor2D, labels: Tensor1D) => Tensor1D;

/**
 * The unperturbed pass of a training step. Each part is computed when first asked for, and once, for searches and
 * penalties alike. Who needs `inputGradient` asks for it first: the other parts then come out of the same pass.
 */
export interface NominalPass {
  /** `[b, classes]` */
  readonly logits: Tensor2D;
  /** ℓ(x), `[b]` */
  readonly loss: Tensor1D;
  /** ∇ₓℓ(x), `[b, h, w, c]`, batch statistics held constant; differentiable in the parameters. */
  readonly inputGradient: Tensor4D;
  /** The statistics this pass used, to be reused at x + δ; `'running'` where the network records none. */
  readonly recorded: RecordedStatistics | 'running';
}

/** ℓ(x) `[b]` and ∇ₓℓ(x) `[b, h, w, c]`: the linear model of the loss around each image. */
export interface Linearization {
  loss: Tensor1D;
  inputGradient: Tensor4D;
}

/** All that a regulariser may use in one training step. */
export interface TrainContext {
  /** `[b, h, w, c]` in [0, 1]. */
  readonly images: Tensor4D;
  /** `[b]`, int32. */
  readonly labels: Tensor1D;
  readonly indices: Int32Array;
  /** With this step's radius, which a schedule may be ramping up. */
  readonly threat: ThreatModel;
  /** Bound to this batch's examples and to this step. */
  readonly random: RandomSource;
  readonly step: Scalar;
  readonly epoch: Scalar;
  readonly loss: PerExampleLoss;
  readonly nominal: NominalPass;
  /**
   * ℓ(x) and ∇ₓℓ(x) of the unperturbed images at the running statistics, or at those of their batch as functions
   * of the images, so that examples couple (`nominal` holds them constant). Made once a step, for searches and
   * penalties alike; differentiable in the parameters.
   */
  linearization(use: 'running' | 'batch'): Linearization;
  /** The network being trained, with whichever statistics the regulariser means. There is no default. */
  forward(images: Tensor4D, use: StatisticsUse): ForwardPass;
  /** The network at fixed statistics, for searches: as `Classifier.freeze`, which is faster than `forward`. */
  freeze(statistics: 'running' | RecordedStatistics): (images: Tensor4D) => Tensor2D;
  /** Puts a number (the mean of a tensor) into the training curves under this name. */
  report(name: string, value: Tensor): void;
}

/** One term of the training objective, L = w·ℓ(x) + Σ penalties, averaged over the batch. */
export interface Regularizer<Found extends NamedTensorMap = NamedTensorMap> {
  readonly name: string;
  /** What it was made with, as plain data: what a run's record says of it. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** w, the weight on ℓ(x), where this regulariser calls for one other than 1. Two that disagree are an error. */
  readonly nominalWeight?: number;
  /** Inner maximisation. What it finds is constant for the parameters: nothing it computes is recorded for their gradient. */
  search?(context: TrainContext): Found;
  /**
   * In place of `search`, one that has to await something. It runs eagerly, before the rest of the step, which takes
   * what it found as constants. What it resolves to is disposed of for it; what else it makes is its own to dispose of
   * (`tidy`, between one `await` and the next), and the context is valid until it settles.
   */
  searchAsync?(context: TrainContext): Promise<Found>;
  /** The penalty per example, `[b]`, differentiable in the parameters. */
  penalty(context: TrainContext, found: Found): Tensor1D;
}
