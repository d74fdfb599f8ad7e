import { readFile } from 'node:fs/promises';
import { fromFunction, linfBall, type Problem, randomSource, type SimpleAttack } from '@llr/core';
import {
  add,
  dispose,
  matMul,
  reshape,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  tensor1d,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { fgsm, multiTargeted, untargeted } from '../src/index.ts';

/** Numbers in lists in lists. */
type Nested = number[] | Nested[];

/** tools/oracle/adam_pgd.py: attacks on a tanh perceptron in float64, with PyTorch's own Adam. */
interface Fixture {
  images: Nested;
  labels: number[];
  weights: Record<string, Nested>;
  sizes: number[];
  balls: {
    epsilon: number;
    start: Nested;
    targets: number[];
    untargeted: Nested;
    targeted: Nested;
    fgsm20: Nested;
  }[];
}

const file = new URL('fixtures/adam-pgd.json', import.meta.url);
const { sizes, balls, ...fixture }: Fixture = JSON.parse(await readFile(file, 'utf8'));
const weights = Object.fromEntries(
  Object.entries(fixture.weights).map(([name, values]) => [
    name,
    tidy(() => variable(tensor(values as number[]))),
  ]),
);
const images = tensor(fixture.images as number[]) as Tensor4D;
const labels = tensor1d(fixture.labels, 'int32');
afterAll(() => dispose([images, labels, ...Object.values(weights)]));

const dense = (name: string, x: Tensor2D) =>
  add(matMul(x, weights[`${name}/weights`] as never), weights[`${name}/bias`]!) as Tensor2D;
const { freeze } = fromFunction(
  (x) => dense('logits', tanh(dense('hidden', reshape(x, [-1, 48])))),
  { inputShape: [4, 4, 3], numClasses: 10, name: 'perceptron' },
);

/** The largest difference from the oracle's perturbation, in ε. */
async function difference(attack: SimpleAttack, problem: Problem, oracle: Nested) {
  const found = await attack.perturb(problem);
  const expected = oracle.flat(4) as number[];
  const [epsilon] = problem.threat.radius.dataSync();
  const gaps = Array.from(found.dataSync(), (d, at) => Math.abs(d - expected[at]!) / epsilon!);
  found.dispose();
  expect(gaps).toHaveLength(expected.length);
  return Math.max(...gaps);
}

const settings = { steps: sizes.length, stepSize: (step: number) => sizes[step]! };

describe.each(balls)('as PyTorch in float64, at ε = $epsilon', (ball) => {
  const indices = Int32Array.from(fixture.labels.keys());
  const problem: Problem = {
    images,
    labels,
    indices,
    logits: freeze('running'),
    threat: linfBall(ball.epsilon),
    random: randomSource(0).forExamples(indices),
    start: tensor(ball.start as number[]) as Tensor4D,
    targets: tensor1d(ball.targets, 'int32'),
  };

  test('20 steps of Adam on the margin, step sizes falling as in F.1', async () => {
    expect(await difference(untargeted(settings), problem, ball.untargeted)).toBeLessThan(1e-3);
  });

  test('the same towards a target', async () => {
    expect(await difference(multiTargeted(settings), problem, ball.targeted)).toBeLessThan(1e-3);
    // The targets matter.
    expect(await difference(untargeted(settings), problem, ball.targeted)).toBeGreaterThan(0.1);
  });

  test('FGSM-20', async () => {
    const { start, ...fromTheImage } = problem;
    expect(await difference(fgsm({ steps: 20 }), fromTheImage, ball.fgsm20)).toBeLessThan(1e-3);
  });
});
