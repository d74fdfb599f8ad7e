import { blackBoxCheck } from './checks/black-box.ts';
import { convergenceCheck } from './checks/convergence.ts';
import { gradientsCheck } from './checks/gradients.ts';
import { localLinearityCheck } from './checks/local-linearity.ts';
import { lossesCheck } from './checks/losses.ts';
import { moreStepsCheck } from './checks/more-steps.ts';
import { networkCheck } from './checks/network.ts';
import { noiseCheck } from './checks/noise.ts';
import { oneStepCheck } from './checks/one-step.ts';
import { radiusCheck } from './checks/radius.ts';
import { restartsCheck } from './checks/restarts.ts';
import { brokenBy, type Check, correctOnes, type Evidence, leastExamples } from './evidence.ts';
import { percent } from './statistics.ts';
import type { Reason, VerdictWord } from './verdict.ts';

/** A new one is a file and a line here. */
const checks: readonly Check[] = [
  gradientsCheck,
  networkCheck,
  oneStepCheck,
  moreStepsCheck,
  convergenceCheck,
  restartsCheck,
  lossesCheck,
  blackBoxCheck,
  radiusCheck,
  localLinearityCheck,
  noiseCheck,
];

/** Without a word on this one, a network isn't cleared: it is the only one that a network which no attack breaks can't pass. */
const essential = ['radius'];

/** What the evidence says. */
export function judge(evidence: Evidence): {
  verdict: VerdictWord;
  summary: string;
  reasons: Reason[];
} {
  const correct = correctOnes(evidence.evaluation).length;
  if (correct < leastExamples) {
    const summary = `Nothing can be said: the network is right about ${correct} of ${evidence.evaluation.examples.length} unperturbed examples, and ${leastExamples} are needed at least.`;
    return { verdict: 'suspicious', summary, reasons: [tooFew(correct)] };
  }
  const reasons = checks.map((check) => check(evidence));
  const verdict = verdictOf(reasons);
  return { verdict, summary: summaryOf(verdict, reasons, evidence), reasons };
}

const tooFew = (correct: number): Reason => ({
  check: 'examples',
  weight: 'suspicious',
  outcome: 'failed',
  text: `Attacks are tried on examples that the network gets right, and there are ${correct}: too few for any of the checks. Is the network trained, and are its images prepared as in its training?`,
});

function verdictOf(reasons: readonly Reason[]): VerdictWord {
  const failed = reasons.filter(({ outcome }) => outcome === 'failed');
  const weighing = (weight: Reason['weight']) => failed.filter((one) => one.weight === weight);
  if (weighing('masked').length > 0) return 'masked';
  const unsaid = reasons.some(
    ({ check, outcome }) => essential.includes(check) && outcome === 'not run',
  );
  return unsaid || weighing('suspicious').length > 0 || weighing('hint').length > 1
    ? 'suspicious'
    : 'clear';
}

function summaryOf(verdict: VerdictWord, reasons: readonly Reason[], evidence: Evidence): string {
  const { evaluation, attacks } = evidence;
  const { robust, clean, examples } = evaluation;
  const afterOne = clean.correct - brokenBy(evaluation, attacks.oneStep.name).size;
  const figures = `Of ${examples.length} examples ${percent(clean.value)} are right unperturbed, ${percent(afterOne / examples.length)} after a single step, ${percent(robust.value)} after everything that was tried.`;
  const failed = reasons.filter(({ outcome }) => outcome === 'failed');
  const names = (weight?: Reason['weight']) =>
    failed
      .filter((reason) => weight === undefined || reason.weight === weight)
      .map(({ check }) => check)
      .join(', ');
  if (verdict === 'masked') {
    return `Gradients are masked (${names('masked')}): some attacks report a robustness that isn't there. ${figures}`;
  }
  if (verdict === 'suspicious') {
    return `Gradients may be masked (${names() || 'not everything could be checked'}): don't rely on the robust accuracy before that is understood. ${figures}`;
  }
  const hints = failed.length > 0 ? ` One hint, nothing by itself: ${names()}.` : '';
  const robustness =
    robust.interval[1] < 0.1 ? ' The network is not robust, and nothing hides that.' : '';
  return `Nothing speaks for masked gradients. ${figures}${robustness}${hints}`;
}
