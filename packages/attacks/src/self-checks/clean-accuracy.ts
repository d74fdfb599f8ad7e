import { correctOnes, type Outcome } from './outcome.ts';
import { figure, share, type Warning } from './warning.ts';

/** Below this, a network that is better than chance may seem not to be. */
const leastExamples = 10;

/**
 * A network that is no better than guessing on unperturbed images, and why if it shows: labels counted from 1, or the same
 * answer to everything.
 */
export function checkCleanAccuracy(outcome: Outcome, numClasses: number): Warning[] {
  const { examples } = outcome;
  const n = examples.length;
  const correct = correctOnes(outcome).length;
  if (n < leastExamples || correct / n > 1 / numClasses) return [];
  return [
    {
      check: 'clean-accuracy',
      message: `The network is right about ${share(correct, n)} before any attack, no more than the ${figure(100 / numClasses)} % of guessing: it doesn't do here what it was trained for. ${reason(outcome, numClasses)} Nothing about its robustness follows.`,
    },
  ];
}

function reason({ examples }: Outcome, numClasses: number): string {
  const answers = new Set(examples.map(({ prediction }) => prediction));
  if (answers.size === 1) {
    return `It says class ${[...answers][0]} to every image: are its weights loaded, and are images prepared as in its training (range, order of the colour channels, normalisation inside the network only)?`;
  }
  const shifts = new Map<number, number>();
  for (const { label, prediction } of examples) {
    const shift = (prediction - label + numClasses) % numClasses;
    shifts.set(shift, (shifts.get(shift) ?? 0) + 1);
  }
  for (const [shift, count] of shifts) {
    if (shift === 0 || numClasses < 3 || count < examples.length / 2) continue;
    const by = shift <= numClasses / 2 ? `+ ${shift}` : `− ${numClasses - shift}`;
    return `For ${count} of them its prediction is the label ${by}: are labels counted from 0 in one place and from 1 in the other?`;
  }
  return 'Do its classes have the order of the labels, are its weights loaded, and are images prepared as in its training (range, order of the colour channels, normalisation)?';
}
