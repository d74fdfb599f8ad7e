import type { Warning } from '../self-checks.ts';
import type { Plan } from './plan.ts';
import { type Stage, Subject } from './subject.ts';

/**
 * What one batch came to, as plain data: enough to go on with an evaluation that stopped. Examples are numbered in the
 * order of the source.
 */
export type JournalEntry =
  | { readonly clean: readonly (readonly [index: number, label: number, prediction: number])[] }
  | {
      readonly attack: string;
      readonly seconds: number;
      readonly rows: readonly (readonly [
        example: number,
        run: number,
        prediction: number,
        target?: number,
      ])[];
    }
  | { readonly warnings: readonly Warning[] };

/** A perturbed image that the network takes for another class. */
export interface AdversarialImage {
  readonly index: number;
  readonly label: number;
  /** The class it is taken for. */
  readonly prediction: number;
  readonly attack: string;
  readonly run: string;
  /** The unperturbed one, `[h · w · c]` in [0, 1]. */
  readonly image: Float32Array;
  /** `[h · w · c]` */
  readonly perturbation: Float32Array;
}

/** A try in stages that has begun. Plain data, but for typed arrays. */
export interface BegunTry {
  /** In the order of the source. */
  readonly example: number;
  readonly attack: string;
  readonly run: number;
  readonly stage: Stage;
}

/** Where an evaluation writes what it has judged, so that another can go on from there. */
export interface Journal {
  /** The entries of an evaluation of the same kind that stopped, in their order. None of it is done again. */
  readonly restored: readonly JournalEntry[];
  /**
   * Called after each batch, and waited for.
   *
   * @param broken - of this batch: the examples that an attack broke, the first time it did
   */
  record(entry: JournalEntry, broken: readonly AdversarialImage[]): void | Promise<void>;
  /** What `keepBegun` was given last. Left out, tries in stages begin anew. */
  readonly begun?: readonly BegunTry[];
  /** Called after `record`, for attacks in stages: all tries that have begun. Takes the place of what it was given before. */
  keepBegun?(tries: readonly BegunTry[]): void | Promise<void>;
}

/** What has been found out so far. */
export interface Findings {
  /** In the order of the source; those that have not been read are missing at the end. */
  readonly subjects: Subject[];
  /** By attack. */
  readonly spent: Map<string, { tries: number; seconds: number }>;
  readonly warnings: Warning[];
}

/** @throws Error when the entries aren't of this plan */
export function restore(
  { restored: entries, begun = [] }: Pick<Journal, 'restored' | 'begun'>,
  plan: Plan,
): Findings {
  const findings: Findings = { subjects: [], spent: new Map(), warnings: [] };
  const { subjects, warnings } = findings;
  for (const entry of entries) {
    if ('warnings' in entry) warnings.push(...entry.warnings);
    else if ('clean' in entry) {
      for (const [index, label, prediction] of entry.clean) {
        const position = subjects.length;
        subjects.push(new Subject({ position, index, label, prediction }, plan));
      }
    } else {
      for (const [example, run, prediction, target] of entry.rows) {
        const subject = subjects[example];
        if (!subject || !isAt(subject, entry.attack, run)) {
          throw new Error(
            `The journal has run ${run} of ${entry.attack} for example ${example}, which isn't its next: it is of another evaluation, or damaged.`,
          );
        }
        subject.judge(prediction, target);
      }
      spend(findings, entry.attack, entry.rows.length, entry.seconds);
    }
  }
  for (const { example, attack, run, stage } of begun) {
    const subject = subjects[example];
    // Those that have ended since are behind.
    const isNext = subject && isAt(subject, attack, run);
    if (isNext) subject.stage = stage;
  }
  return findings;
}

const isAt = (subject: Subject, attack: string, run: number): boolean =>
  !subject.settled && subject.planned.attack.name === attack && subject.run === run;

/** Adds to what an attack has cost. */
export function spend({ spent }: Findings, attack: string, tries: number, seconds: number): void {
  const before = spent.get(attack) ?? { tries: 0, seconds: 0 };
  spent.set(attack, { tries: before.tries + tries, seconds: before.seconds + seconds });
}
