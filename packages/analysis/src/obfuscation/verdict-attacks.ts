import { fgsm, multiTargeted, pgd, square, untargeted } from '@llr/attacks';
import {
  type AscentOptions,
  type Attack,
  type Classifier,
  inRadii,
  type SimpleAttack,
  steepest,
} from '@llr/core';

/** How much is tried. */
export interface VerdictBudget {
  /**
   * Numbers of steps at which robust accuracy is measured, rising. Default 1, 2, 5, 10, 20, 50, 100, 200: where attacks of common
   * strength end, and far beyond.
   */
  steps?: readonly number[];
  /** Random starts of the curve over restarts. Default 10. */
  restarts?: number;
  /** Of the black-box attack. Default 1000, by when most of what Square breaks is broken. */
  queries?: number;
}

/** The attacks of a verdict, by what they are compared for. */
export interface VerdictAttacks {
  /** FGSM: a single step from the image. */
  oneStep: Attack;
  /** PGD on cross-entropy. */
  crossEntropy: Attack;
  /** Untargeted, on the margin, with as many steps: also that of the curve over ε. */
  usual: Attack;
  /** Untargeted, one for each number of steps. */
  bySteps: readonly { steps: number; attack: Attack }[];
  restarts: Attack;
  multiTargeted: Attack;
  blackBox: readonly Attack[];
}

/** Of a curve over ε, and of attacks compared with one another: as many as PGD-50 has (F.1). */
const usualSteps = 50;
/** Enough for a restart to end, few enough for many. */
const stepsOfRestarts = 20;
/** As AutoAttack: of 1000 classes, all would take longer than everything else together. */
const mostTargets = 9;

/**
 * @throws RangeError when steps aren't rising whole numbers above 0, at least two, or restarts or queries aren't whole numbers
 *   above 0
 */
export function verdictAttacks({
  steps = [1, 2, 5, 10, 20, 50, 100, 200],
  restarts = 10,
  queries = 1000,
}: VerdictBudget): VerdictAttacks {
  assertSteps(steps);
  const bySteps = steps.map((count) => ({ steps: count, attack: untargeted(across(count)) }));
  const usual = bySteps.findLast(({ steps: count }) => count <= usualSteps) ?? bySteps[0]!;
  const name = `untargeted-${stepsOfRestarts}-from-${restarts}-starts`;
  return {
    oneStep: fgsm(),
    crossEntropy: pgd({ ...across(usual.steps), name: `pgd-${usual.steps}` }),
    usual: usual.attack,
    bySteps,
    restarts: untargeted({ ...across(stepsOfRestarts), restarts, name }),
    multiTargeted: likeliestTargets(multiTargeted(across(usual.steps))),
    blackBox: [square({ queries })],
  };
}

/** All of them, black boxes last: they are compared with what comes before. */
export const allOf = (attacks: VerdictAttacks): Attack[] => [
  attacks.oneStep,
  attacks.crossEntropy,
  ...attacks.bySteps.map(({ attack }) => attack),
  attacks.restarts,
  attacks.multiTargeted,
  ...attacks.blackBox,
];

/**
 * Steps along the threat model's steepest direction that together are 2.5 radii long (Madry et al. 2018), however many: each
 * number of steps is an attack of its own that gets anywhere in the ball, not the beginning of a longer one.
 */
const across = (steps: number): AscentOptions => ({
  steps,
  stepSize: Math.min(1, 2.5 / steps),
  optimizer: inRadii(steepest()),
});

const likeliestTargets = (attack: SimpleAttack): SimpleAttack => ({
  ...attack,
  runs: (classifier: Classifier) =>
    attack
      .runs(classifier)
      .filter(({ target }) => typeof target === 'number' && target < mostTargets),
});

function assertSteps(steps: readonly number[]): void {
  const rising = steps.every((count, i) => i === 0 || count > steps[i - 1]!);
  if (steps.length < 2 || !rising) {
    throw new RangeError(
      `A curve over steps needs at least two numbers of steps, rising; got ${steps.join(', ')}.`,
    );
  }
}
