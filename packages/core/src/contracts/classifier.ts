import type { Tensor1D, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs-core';

/** Batch-normalisation statistics that one forward pass used, by layer: each `[channels]`. */
export type RecordedStatistics = {
  readonly [layer: string]: { readonly mean: Tensor1D; readonly variance: Tensor1D };
};

/**
 * Which statistics batch normalisation uses: the running averages, those of this very batch (and record
 * them), or recorded ones given back, as at x + δ in training (F.2 of the paper).
 */
export type StatisticsUse = 'running' | 'batch' | RecordedStatistics;

/** What a forward pass gives: logits `[b, classes]`, and with `'batch'` the statistics it used. */
export interface ForwardPass {
  logits: Tensor2D;
  recorded?: RecordedStatistics;
}

/** An image classifier: images `[b, h, w, c]` in the pixel box [0, 1] in, logits out; normalisation is inside. */
export interface Classifier {
  readonly name: string;
  readonly inputShape: readonly [height: number, width: number, channels: number];
  readonly numClasses: number;
  /** `'recordable'` where forward accepts all of `StatisticsUse`; a model without them knows only `'running'`. */
  readonly statistics: 'running' | 'recordable';
  /** Logits `[b, classes]`, differentiable to second order in the images and in the parameters. */
  forward(images: Tensor4D, use: StatisticsUse): ForwardPass;
  /**
   * The network at fixed statistics: a pure function, as differentiable as `forward`, which may fold batch norm into
   * convolutions. For searches and evaluation.
   */
  freeze(statistics: 'running' | RecordedStatistics): (images: Tensor4D) => Tensor2D;
}

/** One trainable array of a network; `decay` says whether L2 regularisation applies (weights, not biases or batch norm). */
export interface Parameter {
  readonly name: string;
  readonly variable: Variable;
  readonly decay: boolean;
}

export interface TrainableClassifier extends Classifier {
  readonly parameters: readonly Parameter[];
  /** Batch normalisation's running averages, if there are any: what `updateRunning` assigns to. */
  readonly runningStatistics?: readonly { readonly name: string; readonly variable: Variable }[];
  /** Moves the running statistics towards recorded ones: once per optimiser step, from the nominal pass. */
  updateRunning(recorded: RecordedStatistics): void;
}
