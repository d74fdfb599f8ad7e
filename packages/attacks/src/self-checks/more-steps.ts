import {
  type AscentOptions,
  inRadii,
  lossObjective,
  type Maximizer,
  margin,
  perturbationOf,
  projectedAscent,
  steepest,
} from '@llr/core';
import { add, type Tensor4D, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { ascent } from '../compiled-ascent.ts';
import { logitsOf, type Sample } from './sample.ts';
import { figure, share, type Warning } from './warning.ts';

const stepsPerRound = 10;
const rounds = 5;

/** Logit margins of the correctly classified examples: above 0 where the prediction is wrong. */
export interface Margins {
  clean: readonly number[];
  /** At a random perturbation. */
  start: readonly number[];
  /** After one step of size ε from the image. */
  one: readonly number[];
  /** After 10 steps from the random perturbation. */
  few: readonly number[];
  /** After 50. */
  many: readonly number[];
}

/**
 * Whether iterating helps, as it must where gradients say where to go: 50 steps on the margin end higher than where they
 * started, and are no worse than 10, nor than a single one (Athalye et al. 2018; Carlini et al. 2019, "On evaluating
 * adversarial robustness"). It costs 51 gradients of the sample.
 */
export async function checkSteps(sample: Sample): Promise<Warning[]> {
  const { problem, correct } = sample;
  const radii = await problem.threat.radius.data();
  if (correct.length === 0 || !(Math.max(...radii) > 0)) return [];
  const margins = async (perturbation: Tensor4D) => {
    const perturbed = tidy(() => add(problem.images, perturbation) as Tensor4D);
    const logits = await logitsOf(problem.logits, perturbed);
    perturbed.dispose();
    return correct.map((row) => marginOf(logits, sample, row));
  };
  const still = zerosLike(problem.images);
  const stepped = oneStep({ ...problem, start: still });
  const clean = await margins(still);
  const one = await margins(stepped);
  let at = problem.threat.start(problem.images, problem.random);
  const reached = [await margins(at)];
  for (let round = 0; round < rounds; round++) {
    const next = climb({ ...problem, start: at });
    at.dispose();
    at = next;
    if (round === 0 || round === rounds - 1) reached.push(await margins(at));
  }
  for (const tensor of [still, stepped, at]) tensor.dispose();
  const [start, few, many] = reached;
  return judgeSteps({ clean, start: start!, one, few: few!, many: many! });
}

/** max_{j ≠ y} z_j − z_y of one example. */
function marginOf(logits: Float32Array, { labels, numClasses }: Sample, row: number): number {
  const ofRow = logits.subarray(row * numClasses, (row + 1) * numClasses);
  const wrong = ofRow.filter((_, label) => label !== labels[row]);
  return Math.max(...wrong) - ofRow[labels[row]!]!;
}

/** What the margins say; `checkSteps` measures them. */
export function judgeSteps(margins: Margins): Warning[] {
  const { clean, start, one, few, many } = margins;
  const stuck = many.filter((value, i) => !(value > start[i]!)).length;
  const warnings = stuck >= leastOf(many.length, 0.25) ? [noAscent(stuck, many.length)] : [];
  if (worse(one, many, clean)) return [...warnings, oneBeatsMany(margins)];
  if (worse(few, many, clean)) return [...warnings, manyAreWorse(margins)];
  return warnings;
}

const rightOnes = 'correctly classified examples';

const noAscent = (stuck: number, total: number): Warning => ({
  check: 'no-ascent',
  message: `50 gradient steps that ascend the logit margin leave it no higher than at the random start at ${share(stuck, total, rightOnes)}: the gradient does not say which way to go, and white-box attacks overestimate robustness. Look for noise, quantisation or gradients of your own in the network; attack a smooth approximation of it, and run black-box attacks (square) as well.`,
});

const oneBeatsMany = ({ one, many }: Margins): Warning => ({
  check: 'one-step-beats-many',
  message: `A single gradient step breaks ${share(broken(one), one.length, rightOnes)} and brings the mean margin to ${figure(mean(one))}, 50 smaller ones break ${broken(many)} and bring it to ${figure(mean(many))}. Iterating should never do worse: away from the images the gradient misleads, a sign that it is masked, and white-box results are too good. Run black-box attacks (square) and attacks with many random restarts.`,
});

const manyAreWorse = ({ few, many }: Margins): Warning => ({
  check: 'more-steps-worse',
  message: `10 gradient steps break ${share(broken(few), few.length, rightOnes)} and bring the mean margin to ${figure(mean(few))}, 50 break ${broken(many)} and bring it to ${figure(mean(many))}. More steps should never do worse: the gradient misleads, a sign that it is masked, and white-box results are too good. Run black-box attacks (square), and keep the best iterate (keep: 'best').`,
});

/** Whether what should be stronger is weaker, beyond the luck of a few examples. */
function worse(weaker: readonly number[], stronger: readonly number[], clean: readonly number[]) {
  const total = clean.length;
  if (broken(weaker) - broken(stronger) >= leastOf(total, 0.05)) return true;
  const losses = weaker.map((value, i) => value - stronger[i]!);
  const error = Math.sqrt(mean(losses.map((loss) => (loss - mean(losses)) ** 2)) / total);
  const gain = mean(weaker.map((value, i) => Math.abs(value - clean[i]!)));
  return total >= 8 && mean(losses) > 3 * error && mean(losses) > 0.05 * gain;
}

/** A share of the examples, and at least two of them. */
const leastOf = (total: number, share: number) => Math.max(2, share * total);
const broken = (margins: readonly number[]) => margins.filter((value) => value > 0).length;
const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const objective = lossObjective(margin);

/** Along the threat model's steepest direction, in units of ε. */
const steps = (of: Pick<AscentOptions, 'stepSize' | 'steps'>): Maximizer =>
  projectedAscent({ optimizer: inRadii(steepest()), ...of });

// From ε/2 down to ε/20, together more than the ball is wide.
const tenSteps = steps({
  stepSize: (step) => 0.5 * (1 - step / stepsPerRound),
  steps: stepsPerRound,
});

const fullStep = steps({ stepSize: 1, steps: 1 });

/** Ten steps from `problem.start`. Compiled once: more steps are more of these. */
const climb = ascent('self-check', (problem) => perturbationOf(tenSteps, problem, objective));
const oneStep = ascent('self-check-step', (problem) =>
  perturbationOf(fullStep, problem, objective),
);
