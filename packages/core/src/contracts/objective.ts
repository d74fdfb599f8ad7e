import type { NamedTensorMap, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { RandomSource } from './random-source.ts';
import type { ThreatModel } from './threat-model.ts';

/** A batch to find perturbations for. */
export interface Problem {
  /** `[b, h, w, c]` in [0, 1]. */
  images: Tensor4D;
  /** `[b]`, int32. */
  labels: Tensor1D;
  /** Which example of the data each row is. */
  indices: Int32Array;
  /** The network under attack: images to logits `[b, classes]`. */
  logits(images: Tensor4D): Tensor2D;
  threat: ThreatModel;
  /** Bound to this batch's examples. */
  random: RandomSource;
  /** The class each row is to be taken for, `[b]`, int32: in targeted attacks. */
  targets?: Tensor1D;
  /** Where to start from instead of a random perturbation. */
  start?: Tensor4D;
}

/** What an inner maximisation ascends, per example. Its state is aligned with the rows of the batch. */
export interface Objective<State extends NamedTensorMap = NamedTensorMap> {
  readonly name: string;
  /** What stays constant during the ascent: ℓ(x), ∇ₓℓ(x), targets, … each with the batch as first dimension. */
  prepare(problem: Problem): State;
  /** The value to ascend, `[b]`, differentiable in the perturbation through `logits`, or directly. */
  value(at: { logits: Tensor2D; perturbation: Tensor4D; labels: Tensor1D; state: State }): Tensor1D;
}
