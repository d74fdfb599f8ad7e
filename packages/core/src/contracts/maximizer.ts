import { type NamedTensorMap, type Tensor1D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { Objective, Problem } from './objective.ts';

/** Searches the threat model for a perturbation that maximises an objective. Pure and synchronous. */
export interface Maximizer {
  readonly name: string;
  /** @returns the perturbation found `[b, h, w, c]` and the objective there `[b]`; constants for any outer gradient */
  maximize<State extends NamedTensorMap>(
    problem: Problem,
    objective: Objective<State>,
  ): { perturbation: Tensor4D; value: Tensor1D };
  /** The perturbation alone, where that takes a pass less than `maximize`. Use `perturbationOf`. */
  perturb?<State extends NamedTensorMap>(problem: Problem, objective: Objective<State>): Tensor4D;
}

/** What a maximiser finds, without the objective's value there, which may take another pass. */
export const perturbationOf = <State extends NamedTensorMap>(
  maximizer: Maximizer,
  problem: Problem,
  objective: Objective<State>,
): Tensor4D =>
  maximizer.perturb?.(problem, objective) ??
  tidy(() => maximizer.maximize(problem, objective).perturbation);
