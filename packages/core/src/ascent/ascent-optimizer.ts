import type { NamedTensorMap, Tensor4D } from '@tensorflow/tfjs-core';
import type { ThreatModel } from '../contracts/threat-model.ts';

/** How an ascent turns gradients into updates. Its state has the batch as first dimension. */
export interface AscentOptimizer {
  readonly name: string;
  init(perturbation: Tensor4D): NamedTensorMap;
  /**
   * The direction of the next step, to be scaled by the step size, and the next state.
   *
   * @param threat - the one the ascent projects onto: for steps that go by its geometry
   */
  update(
    gradient: Tensor4D,
    state: NamedTensorMap,
    threat: ThreatModel,
  ): { update: Tensor4D; state: NamedTensorMap };
}
