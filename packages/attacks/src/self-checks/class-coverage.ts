import type { Outcome } from './outcome.ts';
import type { Warning } from './warning.ts';

/** Below this, classes are missing by chance. */
const leastExamples = 20;

/** Examples of far fewer classes than a random choice of as many would have: the first of data that are sorted by class. */
export function checkClassCoverage({ examples }: Outcome, numClasses: number): Warning[] {
  const n = examples.length;
  const found = new Set(examples.map(({ label }) => label)).size;
  const expected = numClasses * (1 - (1 - 1 / numClasses) ** n);
  if (n < leastExamples || found >= expected / 2) return [];
  return [
    {
      check: 'few-classes',
      message: `The ${n} examples are of ${found} of the network's ${numClasses} classes; as many drawn at random from all classes would be of about ${Math.round(expected)}. Data that are sorted by class, of which these are the first? Accuracies differ between classes, so this one doesn't stand for the others: evaluate on a random choice, or on all.`,
    },
  ];
}
