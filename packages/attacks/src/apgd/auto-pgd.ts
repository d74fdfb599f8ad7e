import type { Objective, Problem } from '@llr/core';
import { inputGradient, iterate } from '@llr/engine';
import {
  add,
  argMax,
  cast,
  equal,
  fill,
  gather,
  greater,
  greaterEqual,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  mul,
  type NamedTensorMap,
  notEqual,
  type Scalar,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { intervalsOf } from './checkpoints.ts';
import { overImages, sphereStart } from './start.ts';

/** Where a search stands. Each tensor has the batch as first dimension; yes and no are 1 and 0. */
export interface Search extends NamedTensorMap {
  /** δ, and the one that the last step left from, `[b, h, w, c]`. */
  perturbation: Tensor4D;
  previous: Tensor4D;
  /** The best δ so far, and the gradient there, `[b, h, w, c]`; `[b]`: its value, and whether it is misclassified. */
  best: Tensor4D;
  bestGradient: Tensor4D;
  bestValue: Tensor1D;
  broken: Tensor1D;
  /** In pixel units, `[b]`. */
  stepSize: Tensor1D;
  /** The value before the last step, and how many steps since the last checkpoint have raised it, `[b]`. */
  value: Tensor1D;
  raises: Tensor1D;
  /** The best value at the last checkpoint, and whether the step size was halved there, `[b]`. */
  bestAtCheckpoint: Tensor1D;
  halved: Tensor1D;
}

/** δ and what the network makes of it. */
interface Point {
  perturbation: Tensor4D;
  value: Tensor1D;
  misclassified: Tensor1D;
}

/**
 * Auto-PGD from one start (Croce & Hein 2020, Algorithm 1), a pure function of tensors. Each step takes one gradient, where
 * it leaves from; one forward pass more judges the end.
 *
 * @returns for each example the misclassified δ with the highest value, or if none was seen the δ with the highest value
 */
export function autoPgd(problem: Problem, objective: Objective, steps: number): Tensor4D {
  return tidy(() => {
    const { begin, advance, end } = searchOf(problem, objective, steps);
    return end(iterate<Search>(steps, begin(), advance));
  });
}

/** The parts of `autoPgd`: the state before the first step, a step, and what was found in the end. */
export function searchOf(problem: Problem, objective: Objective, steps: number) {
  const { images, labels, threat } = problem;
  const prepared = objective.prepare(problem);
  const checks = checksOf(steps);
  const rests = tensor1d([0, ...Array.from({ length: steps - 1 }, () => momentum)]);

  const network = (perturbation: Tensor4D) => {
    const logits = problem.logits(add(images, perturbation));
    const value = objective.value({ logits, perturbation, labels, state: prepared });
    return { value, extra: { logits } };
  };
  const pointAt = (perturbation: Tensor4D, value: Tensor, logits: Tensor2D): Point => ({
    perturbation,
    value: value as Tensor1D,
    misclassified: cast(notEqual(argMax(logits, 1), labels), 'float32'),
  });

  return {
    begin: (): Search => {
      const start = problem.start ?? sphereStart(problem);
      const none: Tensor1D = fill([images.shape[0]], 0);
      return {
        perturbation: start,
        previous: start,
        best: start,
        bestGradient: zerosLike(start),
        bestValue: add(none, -Infinity),
        broken: none,
        stepSize: add(none, mul(2, threat.radius)),
        // Nothing is above it: the start is no raise.
        value: add(none, Infinity),
        raises: none,
        bestAtCheckpoint: none,
        // As if it had been: to leave the step size alone takes two checkpoints.
        halved: add(none, 1),
      };
    },
    advance: (search: Search, step: Scalar): Search => {
      const { value, gradient, extra } = inputGradient(network, search.perturbation);
      const here = pointAt(search.perturbation, value, extra.logits);
      const isBetter = better(here, search);
      const { best, bestValue, broken } = improved(search, here, isBetter);
      const bestGradient = where(overImages(isBetter), gradient, search.bestGradient);
      const { halve, ...checked } = checks({ ...search, bestValue }, here, step);
      const from = where(overImages(halve), best, search.perturbation);
      const along = threat.steepest(where(overImages(halve), bestGradient, gradient));
      const project = (perturbation: Tensor4D) => threat.project(perturbation, images);
      const rest = gather(rests, step);
      const plain = project(add(from, mul(along, overImages(checked.stepSize))));
      // plain·(1 − rest) + (from + last step)·rest, in a form that stands exactly still where both steps do.
      const lessThanLast = sub(sub(from, search.previous), sub(plain, from));
      return {
        perturbation: project(add(plain, mul(lessThanLast, rest))),
        previous: from,
        best,
        bestGradient,
        bestValue,
        broken,
        ...checked,
      };
    },
    end: (search: Search): Tensor4D => {
      const { value, extra } = network(search.perturbation);
      const last = pointAt(search.perturbation, value, extra.logits);
      const { best, bestValue } = improved(search, last, better(last, search));
      // The cpu engine's sign of NaN is 0, so the perturbation needn't show by itself that its value is none.
      const wrong = overImages(notEqual(bestValue, bestValue));
      return where(wrong, mul(best, Number.NaN) as Tensor4D, best);
    },
  };
}

/** Of a step, the share that repeats the step before it: 1 − α. The first step repeats none. */
const momentum = 0.25;

/** A misclassified point is better than any that isn't; otherwise the value decides. */
function better({ value, misclassified }: Point, { bestValue, broken }: Search) {
  const higher = logicalAnd(equal(misclassified, broken), greater(value, bestValue));
  // A value that is not a number is kept, so that it shows in the result.
  return logicalOr(logicalOr(greater(misclassified, broken), higher), notEqual(value, value));
}

const improved = (search: Search, { perturbation, value, misclassified }: Point, here: Tensor) => ({
  best: where(overImages(here), perturbation, search.best),
  bestValue: where(here, value, search.bestValue),
  broken: where(here, misclassified, search.broken),
});

/** Looks at each example's progress; at a checkpoint, decides whether its step size is halved. */
function checksOf(steps: number) {
  const intervals = intervalsOf(steps);
  const ends = tensor1d(intervals.map(Math.sign));
  // No count is as low as −1.
  const enough = tensor1d(intervals.map((interval) => (interval > 0 ? rho * interval : -1)));
  return (search: Search, { value }: Point, step: Scalar) => {
    const end = gather(ends, step);
    const atEnd = cast(end, 'bool');
    const raises = add(search.raises, cast(greater(value, search.value), 'float32'));
    const tooFew = lessEqual(raises, gather(enough, step));
    const noBetter = greaterEqual(search.bestAtCheckpoint, search.bestValue);
    const stuck = logicalAnd(atEnd, logicalAnd(noBetter, logicalNot(cast(search.halved, 'bool'))));
    const halve = logicalOr(tooFew, stuck);
    const halved = cast(halve, 'float32') as Tensor1D;
    return {
      halve,
      stepSize: mul(search.stepSize, sub(1, mul(0.5, halved))) as Tensor1D,
      // The authors' code takes the value before the first step to be 0.
      value: mul(value, cast(greater(step, 0), 'float32')) as Tensor1D,
      raises: mul(raises, sub(1, end)) as Tensor1D,
      bestAtCheckpoint: where(atEnd, search.bestValue, search.bestAtCheckpoint),
      halved: where(atEnd, halved, search.halved),
    };
  };
}

/** Where no more than this share of the steps since the last checkpoint have raised the value, the step size is halved. */
const rho = 0.75;
