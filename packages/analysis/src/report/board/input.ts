import type { Evaluation } from '@llr/attacks';
import type { ObfuscationVerdict } from '../../obfuscation/verdict.ts';
import { checkEvaluation } from '../input.ts';

/** One network of a board. */
export interface BoardEntry {
  /** Different for each entry, such as the run's folder. */
  name: string;
  /** Its per-example results are not needed. */
  evaluation: Omit<Evaluation, 'examples'>;
  architecture: string;
  parameters?: number;
  /** What it was trained with, in words: "llr (λ 4, μ 3)". */
  training?: string;
  /** Wall time of the training. */
  seconds?: number;
  /** The mean of √γ over test images. */
  meanSqrtGamma?: number;
  verdict?: ObfuscationVerdict;
  /** How many images violate a bound; left out where none was checked. */
  violations?: number;
  /** Where its report is, from the board's own place. */
  report?: string;
  /** Name and value of what else its card says: data, recipe, versions. */
  details: Record<string, string>;
}

export interface BoardInput {
  title: string;
  entries: BoardEntry[];
  /** What is not in the tables, and why. */
  leftOut: { name: string; reason: string }[];
}

/** @throws Error naming what can't stand in a table */
export function checkBoard({ entries }: BoardInput): void {
  const names = entries.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new Error(`Two networks of the board are called "${twice}"; give them different names.`);
  }
  for (const { name, evaluation } of entries) checkEvaluation(name, evaluation);
}
