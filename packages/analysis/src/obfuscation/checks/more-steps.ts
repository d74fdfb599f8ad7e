import { brokenBy, type Check, type Evidence, without } from '../evidence.ts';
import { surelyAhead } from '../statistics.ts';

/**
 * More steps must break at least what fewer do (Athalye et al. 2018: "one-step attacks perform better than iterative attacks"
 * is their first sign of masking). Compared example by example, the single step and each number of steps with the next.
 */
export const moreStepsCheck: Check = (evidence) => {
  const worse = pairs(evidence).find(({ fewer, more }) => {
    const [by, less] = [fewer, more].map((name) => brokenBy(evidence.evaluation, name));
    return surelyAhead(without(by!, less!), without(less!, by!));
  });
  return {
    check: 'more steps',
    weight: 'masked',
    outcome: worse ? 'failed' : 'passed',
    text: worse
      ? misled(evidence, worse)
      : 'No attack does better than one of the same kind with more steps.',
  };
};

interface Pair {
  fewer: string;
  more: string;
}

function pairs({ attacks: { oneStep, bySteps } }: Evidence): Pair[] {
  const names = bySteps.map(({ attack }) => attack.name);
  const next = names.slice(1).map((more, i) => ({ fewer: names[i]!, more }));
  return [{ fewer: oneStep.name, more: names.at(-1)! }, ...next];
}

function misled({ evaluation }: Evidence, { fewer, more }: Pair): string {
  const [by, less] = [fewer, more].map((name) => brokenBy(evaluation, name));
  return `${fewer} breaks ${by!.size} examples, ${more} only ${less!.size}, and ${without(by!, less!)} of the former are not among the latter. More steps should never do worse: on the way the gradient misleads.`;
}
