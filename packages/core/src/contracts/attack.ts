import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Classifier } from './classifier.ts';
import type { Problem } from './objective.ts';

/** One try of an attack. An attack succeeds on an example if any of its runs does. */
export interface Run {
  readonly name: string;
  /** Which random start, from 0. */
  readonly restart: number;
  /** For a targeted run: which of the wrong classes, 0 to classes − 2, in ascending order. */
  readonly target?: number;
}

/** An attack for evaluation. The evaluator owns the loop over runs, the success test and which examples are left. */
export interface Attack {
  readonly name: string;
  /** The tries this attack makes against a classifier, cheapest first. */
  runs(classifier: Classifier): readonly Run[];
  /** One try: perturbations `[b, h, w, c]` allowed by the problem's threat model. */
  perturb(problem: Problem, run: Run): Tensor4D | Promise<Tensor4D>;
}
