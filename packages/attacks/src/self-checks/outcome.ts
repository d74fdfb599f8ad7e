/** What checks look at after the attacks: a part of an `Evaluation`. */
export interface Outcome {
  readonly threat: { readonly epsilon: number | 'per example' };
  /** In the order in which they ran. */
  readonly attacks: readonly {
    readonly name: string;
    readonly access: 'white-box' | 'black-box';
  }[];
  readonly examples: readonly ExampleOutcome[];
}

interface ExampleOutcome {
  readonly label: number;
  /** Of the unperturbed image. */
  readonly prediction: number;
  /** For each attack that it got: the run that broke it, or null where none did. */
  readonly brokenIn: Readonly<Record<string, string | null>>;
}

/** The examples that the network gets right when they aren't perturbed. */
export const correctOnes = ({ examples }: Outcome): ExampleOutcome[] =>
  examples.filter(({ label, prediction }) => label === prediction);

/** Whether an attack broke an example; false where it didn't get it. */
export const isBroken = ({ brokenIn }: ExampleOutcome, { name }: { name: string }): boolean =>
  typeof brokenIn[name] === 'string';
