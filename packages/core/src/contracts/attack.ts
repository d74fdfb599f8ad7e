import type { NamedTensorMap, Tensor4D } from '@tensorflow/tfjs-core';
import type { Classifier } from './classifier.ts';
import type { Problem } from './objective.ts';

/**
 * The wrong class a targeted run aims at: the one with this rank by its logit at the unperturbed image, from 0, the
 * likeliest, to classes − 2, the least likely; or one drawn uniformly for each example and restart.
 */
export type Target = number | 'random';

/** One try of an attack. An attack succeeds on an example if any of its runs does. */
export interface Run {
  readonly name: string;
  /** Which random start, from 0. */
  readonly restart: number;
  /** For a targeted run: `problem.targets` has the class of each example. */
  readonly target?: Target;
}

interface AnyAttack {
  /** Its random numbers depend on it, so it must differ from that of any other attack made beside it. */
  readonly name: string;
  /** What it was made with, as plain data: what an evaluation's record says of it. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** `'black-box'` where it asks the network for logits only. Default `'white-box'`. */
  readonly access?: 'white-box' | 'black-box';
  /** The tries this attack makes against a classifier, those that are likeliest to succeed first. */
  runs(classifier: Classifier): readonly Run[];
}

/**
 * An attack for evaluation: one function. The evaluator owns the loop over runs, the success test and which examples are
 * left. Rows of one batch may belong to different runs: what differs between them is in the problem, whose random numbers
 * are those of each row's own run, and whose `targets` and `start` are each row's own.
 */
export interface SimpleAttack extends AnyAttack {
  /** One try for each row: perturbations `[b, h, w, c]` allowed by the problem's threat model. */
  perturb(problem: Problem): Tensor4D | Promise<Tensor4D>;
}

/** A long attack, in stages. Between them the examples that are broken leave, and others take their places. */
export interface StagedAttack extends AnyAttack {
  /** How often `advance` is called in a run. */
  readonly stages: number;
  /** What a run begins with: tensors with the batch as first dimension, `perturbation` `[b, h, w, c]` among them. */
  begin(problem: Problem): NamedTensorMap;
  /** The next stage: the same tensors, moved on. The rows of a batch may be at different stages; the random numbers of each are of its own. */
  advance(problem: Problem, state: NamedTensorMap): NamedTensorMap;
}

export type Attack = SimpleAttack | StagedAttack;
