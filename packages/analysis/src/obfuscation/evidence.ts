import type { Evaluation, ExampleResult } from '@llr/attacks';
import type { ExampleGamma } from '../local-linearity-histogram.ts';
import type { Reason } from './verdict.ts';
import type { VerdictAttacks } from './verdict-attacks.ts';

/** Everything that was measured. */
export interface Evidence {
  attacks: VerdictAttacks;
  /** At ε, each attack on all correctly classified examples. */
  evaluation: Evaluation;
  /** By ε, rising, that of the threat model among them: the usual attack alone. */
  byEpsilon: readonly { epsilon: number; evaluation: Evaluation }[];
  /** From where on no network can be robust, as every image may become the same grey one; null where that isn't known. */
  grey: number | null;
  gammas: readonly ExampleGamma[];
  /** Of the perturbations by which the usual attack broke examples: the correlation of neighbouring pixels. */
  correlations: readonly number[];
}

/** One question put to the evidence. */
export type Check = (evidence: Evidence) => Reason;

/** Below this, a share of the examples says next to nothing: its 95 % interval is more than 40 points wide. */
export const leastExamples = 20;

/** The examples that are right unperturbed: those that attacks are tried on. */
export const correctOnes = ({ examples }: Evaluation): ExampleResult[] =>
  examples.filter(({ brokenBy }) => brokenBy !== 'clean');

/** Which examples an attack broke, by index. */
export const brokenBy = (evaluation: Evaluation, attack: string): Set<number> =>
  indicesOf(correctOnes(evaluation).filter(({ brokenIn }) => brokenIn[attack] != null));

/** Which examples were broken by anything. */
export const brokenByAny = (evaluation: Evaluation): Set<number> =>
  indicesOf(correctOnes(evaluation).filter(({ brokenBy: by }) => by !== null));

const indicesOf = (examples: readonly ExampleResult[]): Set<number> =>
  new Set(examples.map(({ index }) => index));

/** How many of these are not among those. */
export const without = (these: ReadonlySet<number>, those: ReadonlySet<number>): number =>
  [...these].filter((index) => !those.has(index)).length;
