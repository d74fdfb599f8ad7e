import { type Evaluation, evaluationOf, warningsBefore } from './evaluation/result.ts';

/**
 * Puts the evaluations of parts of one source together: the result is that of the whole, but for the seconds, which add up.
 *
 * @throws Error when there is none, when they differ in anything but their examples, or when two have the same example
 */
export function mergeEvaluations(parts: readonly Evaluation[]): Evaluation {
  const [first] = parts;
  if (!first) throw new Error('There are no evaluations to merge.');
  for (const [i, part] of parts.entries()) assertAlike(first, part, i);
  const examples = parts.flatMap((part) => part.examples).sort((a, b) => a.index - b.index);
  examples.forEach(({ index }, i) => {
    if (examples[i - 1]?.index === index) {
      throw new Error(`Two of the evaluations have example ${index}.`);
    }
  });
  const warnings = new Map(parts.flatMap(warningsBefore).map((one) => [one.message, one]));
  return evaluationOf(
    {
      ...kindOf(first),
      data: [...new Set(parts.map(({ data }) => data))].join(' + '),
      warnings: [...warnings.values()],
      attacks: first.attacks.map(({ name, settings, access }, i) => ({
        name,
        ...(settings && { settings }),
        access,
        tries: sum(parts.map(({ attacks }) => attacks[i]!.tries)),
        seconds: sum(parts.map(({ attacks }) => attacks[i]!.seconds)),
      })),
    },
    examples,
  );
}

const kindOf = ({ classifier, classes, threat, seed, batchSize, activeSet }: Evaluation) => ({
  classifier,
  classes,
  threat,
  seed,
  batchSize,
  activeSet,
});

function assertAlike(first: Evaluation, part: Evaluation, number: number): void {
  const described = (evaluation: Evaluation): Record<string, string> => ({
    ...Object.fromEntries(
      Object.entries(kindOf(evaluation)).map(([name, value]) => [name, JSON.stringify(value)]),
    ),
    attacks: JSON.stringify(evaluation.attacks.map(({ name, settings }) => ({ name, settings }))),
  });
  const expected = described(first);
  for (const [field, found] of Object.entries(described(part))) {
    if (found === expected[field]) continue;
    throw new Error(
      `The evaluations are not parts of one: ${field} is ${expected[field]} in the first, and ${found} in number ${number + 1}.`,
    );
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
