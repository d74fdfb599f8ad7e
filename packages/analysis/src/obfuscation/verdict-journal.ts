import type { AdversarialImage, Journal, JournalEntry } from '@llr/attacks';
import type { ExampleGamma } from '../local-linearity-histogram.ts';

/** What one batch came to, of an evaluation or of γ. Plain data. */
export type VerdictEntry =
  | {
      /** Which evaluation: "attacks", "ε = 0.2". */
      part: string;
      entry: JournalEntry;
      /** Of perturbations that broke an example in it. */
      correlations?: number[];
    }
  | { part: 'γ'; gammas: ExampleGamma[] };

/** Where a verdict writes what has been found, so that another can go on from there. */
export interface VerdictJournal {
  /** The entries of a verdict of the same kind that stopped, in their order. None of it is done again. */
  readonly restored: readonly VerdictEntry[];
  /** Called after each batch, and waited for. */
  record(entry: VerdictEntry): void | Promise<void>;
}

export const noJournal: VerdictJournal = { restored: [], record: () => {} };

/**
 * The journal of one of the verdict's evaluations.
 *
 * @param correlationsOf - what is to be kept of the examples broken in a batch
 */
export const journalOf = (
  { restored, record }: VerdictJournal,
  part: string,
  correlationsOf: (broken: readonly AdversarialImage[]) => number[] = () => [],
): Journal => ({
  restored: restored.flatMap((one) => ('entry' in one && one.part === part ? [one.entry] : [])),
  record: (entry, broken) => {
    const correlations = correlationsOf(broken);
    return record({ part, entry, ...(correlations.length > 0 && { correlations }) });
  },
});
