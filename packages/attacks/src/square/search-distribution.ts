import type { Problem } from '@llr/core';
import type { Scalar, Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { gather } from '@tensorflow/tfjs-core';

/** From which perturbation a search starts, and how it draws the next one to try. All of them are allowed. */
export interface SearchDistribution {
  /** The first perturbations, `[b, h, w, c]`. */
  start(problem: Problem): Tensor4D;
  /** Draws the random numbers of a stage of so many queries. */
  stage(problem: Problem, queries: number): Proposal;
}

/**
 * What to try in a query of the stage.
 *
 * @param perturbation - the best so far, `[b, h, w, c]`
 * @param level - of the schedule of sizes, for each example, `[b]`, int32
 * @param query - which query of the stage
 */
type Proposal = (perturbation: Tensor4D, level: Tensor1D, query: Scalar) => Tensor4D;

/** The numbers of one query, `[b, …]`, out of those of a stage, `[b, queries, …]`. */
export const ofQuery = (numbers: Tensor, query: Scalar): Tensor => gather(numbers, query, 1);
