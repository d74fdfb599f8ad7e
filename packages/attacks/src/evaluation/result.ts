import { checkOutcome, type Warning } from '../self-checks.ts';
import { type Accuracy, accuracyOf } from './accuracy.ts';
import type { ActiveSet } from './plan.ts';

/** One attack's result. */
export interface AttackResult {
  name: string;
  /** What the attack was made with. */
  settings?: Readonly<Record<string, unknown>>;
  /** `'black-box'` where it asked the network for logits only. */
  access: 'white-box' | 'black-box';
  /**
   * Over all examples: correct when unperturbed and under every run of this attack; with the active set
   * `'across-attacks'`, where what is broken isn't attacked again, also under all attacks before it.
   */
  accuracy: Accuracy;
  /** How many examples it was tried on. */
  attacked: number;
  /** How many of those it broke. */
  broken: number;
  /** How many tries it made at examples. */
  tries: number;
  /** Wall time. */
  seconds: number;
  /**
   * The share of all examples, misclassified ones included, that some run had predicted as the class it aimed at; null
   * where it has no targets, or that wasn't asked for.
   */
  targetedSuccess: Accuracy | null;
}

/** What became of one example. */
export interface ExampleResult {
  /** Which example of the source. */
  index: number;
  label: number;
  /** The class predicted for the unperturbed image. */
  prediction: number;
  /** Where every example has its own. */
  epsilon?: number;
  /** The first attack that broke it; `'clean'` where the unperturbed image is misclassified; null where it is robust. */
  brokenBy: string | null;
  /** For each attack that it got: the run that broke it, or null where none did. */
  brokenIn: Readonly<Record<string, string | null>>;
  /** For each targeted attack that it got, where it was asked for: whether a run had it predicted as the target. */
  hit?: Readonly<Record<string, boolean>>;
}

/** How robust a classifier is. Plain data: survives JSON. */
export interface Evaluation {
  classifier: string;
  /** How many classes it knows. */
  classes: number;
  /** The source's name and split. */
  data: string;
  threat: { name: string; epsilon: number | 'per example' };
  seed: number;
  /** What batches were padded to. */
  batchSize: number;
  activeSet: ActiveSet;
  clean: Accuracy;
  /** The point-wise worst case: correct when unperturbed and under every run of every attack. */
  robust: Accuracy;
  attacks: AttackResult[];
  /** Reasons to doubt the numbers. */
  warnings: Warning[];
  /** In the source's order. */
  examples: ExampleResult[];
}

/** What isn't counted from the examples; of the warnings, those that came before the attacks. */
export type Circumstances = Omit<Evaluation, 'clean' | 'robust' | 'attacks' | 'examples'> & {
  attacks: readonly Pick<AttackResult, 'name' | 'settings' | 'access' | 'tries' | 'seconds'>[];
};

/** Counts what became of the examples, and looks for reasons to doubt it. */
export function evaluationOf(
  circumstances: Circumstances,
  examples: readonly ExampleResult[],
): Evaluation {
  const counted = count(circumstances, examples);
  return { ...counted, warnings: [...counted.warnings, ...outcomeWarnings(counted)] };
}

/** The warnings that don't follow from the outcome. */
export function warningsBefore(evaluation: Evaluation): Warning[] {
  const after = outcomeWarnings(evaluation).map(({ message }) => message);
  return evaluation.warnings.filter(({ message }) => !after.includes(message));
}

const outcomeWarnings = (evaluation: Evaluation) =>
  checkOutcome(evaluation, { numClasses: evaluation.classes });

function count(
  { attacks, ...circumstances }: Circumstances,
  examples: readonly ExampleResult[],
): Evaluation {
  const share = (holds: (example: ExampleResult) => boolean) =>
    accuracyOf(examples.filter(holds).length, examples.length);
  const across = circumstances.activeSet === 'across-attacks';
  const names = attacks.map(({ name }) => name);
  return {
    ...circumstances,
    clean: share(({ brokenBy }) => brokenBy !== 'clean'),
    robust: share(({ brokenBy }) => brokenBy === null),
    attacks: attacks.map((attack, i) => {
      const { name } = attack;
      const upTo: (string | null)[] = ['clean', ...names.slice(0, i + 1)];
      const outcomes = examples.flatMap(({ brokenIn }) =>
        name in brokenIn ? [brokenIn[name]] : [],
      );
      return {
        ...attack,
        accuracy: share(({ brokenBy, brokenIn }) =>
          across ? !upTo.includes(brokenBy) : brokenIn[name] === null,
        ),
        attacked: outcomes.length,
        broken: outcomes.filter((run) => run !== null).length,
        targetedSuccess: examples.some(({ hit }) => hit && name in hit)
          ? share(({ hit }) => hit?.[name] === true)
          : null,
      };
    }),
    examples: [...examples],
  };
}
