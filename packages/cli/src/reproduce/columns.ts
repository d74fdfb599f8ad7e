import { type Accuracy, type Evaluation, type PaperSuiteOptions, paperSuite } from '@llr/attacks';
import type { Attack } from '@llr/core';
import type { PlainExperiment, PublishedColumn } from '@llr/train';

/** The attack of the paper's suite behind a column, by how its name begins; none where nothing is attacked. */
const attackOf: Readonly<Record<PublishedColumn, string | undefined>> = {
  nominal: undefined,
  'PGD-50': 'pgd-50',
  Untargeted: 'untargeted',
  'Multi-Targeted': 'multi-targeted',
  'Random-Targeted success': 'random-targeted',
};

/** The attacks that columns need, as strong as the paper suite of an experiment. */
export function attacksFor(
  columns: readonly PublishedColumn[],
  { evaluation }: PlainExperiment,
): Attack[] {
  const wanted = columns.map((column) => attackOf[column]);
  const strength = suiteOptions(evaluation?.attacks ?? []);
  const all = [
    ...paperSuite({ ...strength, targets: 'every' }),
    ...paperSuite({ ...strength, targets: 'random' }).slice(-1),
  ];
  return all.filter(({ name }) => wanted.some((prefix) => prefix && name.startsWith(prefix)));
}

function suiteOptions(
  attacks: NonNullable<PlainExperiment['evaluation']>['attacks'],
): PaperSuiteOptions {
  const suite = attacks.find(
    (attack) => attack === 'paper-suite' || (attack as { name?: string }).name === 'paper-suite',
  );
  if (typeof suite !== 'object') return {};
  const { steps, restarts } = suite as PaperSuiteOptions;
  return { ...(steps !== undefined && { steps }), ...(restarts !== undefined && { restarts }) };
}

/** Whether a column counts how often a target was hit. */
export const countsTargets = (column: PublishedColumn): boolean =>
  column === 'Random-Targeted success';

/** The name of a column's attack in an evaluation. @throws when it isn't there */
function attackIn(evaluation: Evaluation, column: PublishedColumn): string {
  const prefix = attackOf[column];
  const found = evaluation.attacks.find(({ name }) => prefix && name.startsWith(prefix));
  if (!found) throw new Error(`${evaluation.classifier} was not attacked for ${column}.`);
  return found.name;
}

/** What an evaluation has for a column. */
export function measured(evaluation: Evaluation, column: PublishedColumn): Accuracy {
  if (column === 'nominal') return evaluation.clean;
  const name = attackIn(evaluation, column);
  const attack = evaluation.attacks.find((each) => each.name === name)!;
  return countsTargets(column) ? attack.targetedSuccess! : attack.accuracy;
}

/** For each example, whether a network gets it right: unperturbed, or under a column's attack (hit, where targets count). */
export function outcomes(evaluation: Evaluation, column: PublishedColumn): boolean[] {
  if (column === 'nominal') return evaluation.examples.map(({ brokenBy }) => brokenBy !== 'clean');
  const name = attackIn(evaluation, column);
  return evaluation.examples.map(({ brokenIn, hit }) =>
    countsTargets(column) ? hit?.[name] === true : brokenIn[name] === null,
  );
}
