import type { NamedTensorMap, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Objective, Problem } from './objective.ts';

/** Searches the threat model for a perturbation that maximises an objective. Pure and synchronous. */
export interface Maximizer {
  readonly name: string;
  /** @returns the perturbation found `[b, h, w, c]` and the objective there `[b]`; constants for any outer gradient */
  maximize<State extends NamedTensorMap>(
    problem: Problem,
    objective: Objective<State>,
  ): { perturbation: Tensor4D; value: Tensor1D };
}
