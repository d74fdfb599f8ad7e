import { readFile } from 'node:fs/promises';
import { l2Ball, linfBall, type Problem, randomSource } from '@llr/core';
import {
  add,
  dispose,
  matMul,
  reshape,
  scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { autoPgd, type Search, searchOf } from '../src/apgd/auto-pgd.ts';
import { objectiveOf, targetedRatio } from '../src/apgd/objectives.ts';

type Nested = number | Nested[];
type Ball = 'linf' | 'l2';
const balls: Ball[] = ['linf', 'l2'];

/** tools/oracle/apgd.py: searches in float64 PyTorch, one example at a time. */
interface Oracle {
  labels: number[];
  targets: number[];
  epsilons: Record<Ball, number>;
  steps: number;
  images: Nested;
  weights: Record<string, Nested>;
  arrays: Record<string, Nested>;
  /** By the name of the objective, an entry for each example. */
  searches: Record<Ball, Record<string, Expected[]>>;
}

interface Expected {
  /** After this many steps the example is broken, or float32 might go another way. */
  compared: number;
  /** At the start and after each step. */
  losses: number[];
  stepSizes: number[];
  /** The perturbation after the last step compared. */
  last: Nested;
  /** What the whole search found, where all of it is compared. */
  best?: Nested;
}

const oracle: Oracle = JSON.parse(
  await readFile(new URL('fixtures/apgd.json', import.meta.url), 'utf8'),
);
const tensorOf = (values: Nested) => tensor(values as number[]);
const weights = Object.fromEntries(
  Object.entries(oracle.weights).map(([name, values]) => [name, tensorOf(values)]),
);
const images = tensorOf(oracle.images) as Tensor4D;
const labels = tensor1d(oracle.labels, 'int32');
const targets = tensor1d(oracle.targets, 'int32');
const starts = {
  linf: tensorOf(oracle.arrays['start/linf']!) as Tensor4D,
  l2: tensorOf(oracle.arrays['start/l2']!) as Tensor4D,
};
afterAll(() => {
  dispose([images, labels, targets, ...Object.values(starts), ...Object.values(weights)]);
});

const dense = (name: string, x: Tensor2D) =>
  add(matMul(x, weights[`${name}/weights`] as Tensor2D), weights[`${name}/bias`]!) as Tensor2D;
const logits = (x: Tensor4D) => dense('logits', tanh(dense('hidden', reshape(x, [-1, 48]))));

const problemIn = (ball: Ball): Problem => {
  const indices = Int32Array.from(oracle.labels.keys());
  return {
    images,
    labels,
    indices,
    targets,
    logits,
    threat: ball === 'linf' ? linfBall(oracle.epsilons.linf) : l2Ball(oracle.epsilons.l2),
    random: randomSource(0).forExamples(indices),
    start: starts[ball],
  };
};

const numbersOf = (perExample: Tensor1D) => [...perExample.dataSync()];
const near = (found: ArrayLike<number>, wanted: Nested) =>
  (wanted as number[]).flat(3).forEach((value, i) => {
    expect(Math.abs(found[i]! - value)).toBeLessThan(2e-5);
  });
/** The numbers of one example of a batch of 4 × 4 images in colour. */
const ofExample = (batch: Tensor, i: number) => batch.dataSync().subarray(i * 48, (i + 1) * 48);

const searches = balls.flatMap((ball) =>
  Object.entries(oracle.searches[ball]).map(([name, examples]) => [ball, name, examples] as const),
);

describe.each(searches)('APGD in %s on %s', (ball, name, examples) => {
  const objective =
    name === 'targeted-dlr'
      ? targetedRatio
      : objectiveOf(name as 'dlr' | 'cross-entropy').objective;

  test('takes the steps that the oracle takes, of the same sizes', () => {
    tidy(() => {
      const { begin, advance } = searchOf(problemIn(ball), objective, oracle.steps);
      const trace: Search[] = [begin()];
      for (let step = 0; step < oracle.steps; step++) {
        trace.push(advance(trace.at(-1)!, scalar(step, 'int32')));
      }
      examples.forEach(({ compared, losses, stepSizes, last }, i) => {
        for (let k = 0; k < compared; k++) {
          expect(numbersOf(trace[k + 1]!.stepSize)[i]! / stepSizes[k]!).toBeCloseTo(1, 6);
          // A step leaves the value where it came from; in place of the start's there is 0.
          if (k > 0) expect(numbersOf(trace[k + 1]!.value)[i]!).toBeCloseTo(losses[k]!, 4);
        }
        near(ofExample(trace[compared]!.perturbation, i), last);
      });
    });
  });

  test('finds what the oracle finds, where all of a search can be compared', () => {
    const found = autoPgd(problemIn(ball), objective, oracle.steps);
    examples.forEach(({ best }, i) => {
      if (best) near(ofExample(found, i), best);
    });
    found.dispose();
  });
});

test.each(balls)('the oracle shows halved steps in %s', (ball) => {
  const examples = Object.values(oracle.searches[ball]).flat();
  const halved = examples.filter(({ stepSizes }) => new Set(stepSizes).size > 1);
  expect(halved.length).toBeGreaterThan(5);
});
