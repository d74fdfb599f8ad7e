import { crossEntropy, fromFunction, inRadii, l2Ball, linfBall, steepest } from '@llr/core';
import {
  dispose,
  matMul,
  mean,
  mul,
  reshape,
  type Scalar,
  softplus,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tensor1d,
  tensor4d,
  tidy,
  type Variable,
  variable,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { apgd, apgdTargeted, evaluate, pgd } from '../src/index.ts';
import { type Example, numbers, type Shape, sourceOf } from './helpers.ts';

const shape: Shape = [4, 4, 1];
const classes = 5;
const parameters: Variable[] = [
  [16, 24],
  [24, classes],
].map(([inputs, outputs], layer) =>
  tidy(() => variable(tensor(numbers(layer, inputs! * outputs!, -0.5, 0.5), [inputs!, outputs!]))),
);
afterAll(() => void dispose(parameters));
const logits = (images: Tensor4D): Tensor2D =>
  matMul(
    softplus(mul(matMul(reshape(images, [-1, 16]), parameters[0] as Tensor), 10)),
    parameters[1] as Tensor,
  );

/** Each class in three places of the box, with noise: nothing that a straight boundary could tell apart. */
function examplesOf(seed: number, count: number): Example[] {
  const centres = numbers(77, 3 * classes * 16, 0.2, 0.8);
  const noise = numbers(seed, count * 16, -0.2, 0.2);
  return Array.from({ length: count }, (_, index) => {
    const place = index % (3 * classes);
    const image = noise
      .slice(16 * index, 16 * (index + 1))
      .map((n, at) => n + centres[16 * place + at]!);
    return { index, image, label: place % classes };
  });
}

function train(examples: readonly Example[], steps: number, rate: number) {
  const images = tensor4d(
    examples.flatMap(({ image }) => [...image]),
    [examples.length, ...shape],
  );
  const labels = tensor1d(
    examples.map(({ label }) => label),
    'int32',
  );
  for (let step = 0; step < steps; step++) {
    tidy(() => {
      const { grads } = variableGrads(
        () => mean(crossEntropy(logits(images), labels)) as Scalar,
        parameters,
      );
      for (const parameter of parameters) {
        parameter.assign(sub(parameter, mul(grads[parameter.name]!, rate)));
      }
    });
  }
  dispose([images, labels]);
}

train(examplesOf(1, 150), 300, 0.03);
const classifier = fromFunction(logits, { inputShape: shape, numClasses: classes });
const data = sourceOf(examplesOf(2, 90), shape);

describe.each([
  ['ℓ∞', linfBall(0.04)],
  ['ℓ2', l2Ball(0.15)],
] as const)('on a trained network, in %s', (_, threat) => {
  const settings = { classifier, data, threat, seed: 3, batchSize: 90 };
  const brokenBy = async (...attacks: Parameters<typeof evaluate>[0]['attacks']) => {
    const { clean, robust } = await evaluate({ ...settings, attacks });
    return clean.correct - robust.correct;
  };

  test('is as strong as PGD of as many steps', async () => {
    const steps = 10;
    const sign = pgd({ steps, stepSize: 0.25, optimizer: inRadii(steepest()), name: 'pgd' });
    const [byPgd, byApgd, byRatio] = [
      await brokenBy(sign),
      await brokenBy(apgd({ steps })),
      await brokenBy(apgdTargeted({ steps })),
    ];
    // Something to break, and something that holds.
    expect(byPgd).toBeGreaterThan(15);
    expect(byRatio).toBeLessThan(60);
    expect(byApgd).toBeGreaterThanOrEqual(byPgd);
    expect(byRatio).toBeGreaterThanOrEqual(byPgd);
  });

  test('breaks with more restarts whatever it broke with fewer', async () => {
    const survivors = async (restarts: number) => {
      const attack = apgd({ steps: 4, restarts, objective: 'dlr' });
      const { examples } = await evaluate({ ...settings, attacks: [attack] });
      return examples.flatMap(({ index, brokenBy }) => (brokenBy === null ? [index] : []));
    };
    const [one, three] = [await survivors(1), await survivors(3)];
    expect(one).toEqual(expect.arrayContaining(three));
  });
});
