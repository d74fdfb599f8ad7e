import { readFile } from 'node:fs/promises';
import {
  add,
  dispose,
  matMul,
  mean,
  mul,
  reshape,
  type Scalar,
  scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  tensor1d,
  tidy,
  type Variable,
  variable,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import {
  adam,
  adversarialTraining,
  crossEntropy,
  linearize,
  linfBall,
  llr,
  localLinearity,
  localLinearityObjective,
  projectedAscent,
  randomSource,
  type TrainContext,
} from '../src/index.ts';

type Nested = number | Nested[];

/** tools/oracle/make_fixtures.py: a tanh perceptron in float64 PyTorch. */
interface Perceptron {
  labels: number[];
  epsilon: number;
  nominalWeight: number;
  lambda: number;
  mu: number;
  logits: number[][];
  loss: number[];
  lossPerturbed: number[];
  directional: number[];
  error: number[];
  llrObjective: number;
  advObjective: number;
  weights: Record<string, Nested>;
  arrays: Record<string, Nested>;
  ascent: { steps: number; stepSize: number; perturbation: Nested };
}

const tolerance = 1e-4;
const expected: Perceptron = JSON.parse(
  await readFile(new URL('fixtures/perceptron.json', import.meta.url), 'utf8'),
);
const weights: Record<string, Variable> = Object.fromEntries(
  Object.entries(expected.weights).map(([name, value]) => [
    name,
    tidy(() => variable(tensor(value as number[]))),
  ]),
);
const images = tensor(expected.arrays.images as number[]) as Tensor4D;
const perturbation = tensor(expected.arrays.perturbation as number[]) as Tensor4D;
const labels = tensor1d(expected.labels, 'int32');
const indices = Int32Array.from(expected.labels.keys());
afterAll(() => {
  dispose([images, perturbation, labels, ...Object.values(weights)]);
});

/** tanh saves its output, through which stock tfjs loses the second derivative. */
function logits(x: Tensor4D): Tensor2D {
  const layer = (name: string, at: Tensor2D) =>
    add(matMul(at, weights[`${name}/weights`] as Tensor2D), weights[`${name}/bias`]!) as Tensor2D;
  return layer('logits', tanh(layer('hidden', reshape(x, [x.shape[0], -1]))));
}

const flatten = (nested: Nested): number[] =>
  typeof nested === 'number' ? [nested] : nested.flatMap(flatten);

function relativeError(found: Tensor, reference: Nested): number {
  const values = found.dataSync();
  const exact = flatten(reference);
  expect(values.length).toBe(exact.length);
  return Math.hypot(...exact.map((value, i) => values[i]! - value)) / Math.hypot(...exact);
}

/** The context of a training step on the perceptron, which has no statistics. */
function context(): TrainContext {
  return {
    images,
    labels,
    indices,
    threat: linfBall(expected.epsilon),
    random: randomSource(0).forExamples(indices),
    step: scalar(0),
    epoch: scalar(0),
    loss: crossEntropy,
    nominal: { ...linearize(logits, images, labels), logits: logits(images), recorded: 'running' },
    linearization: () => linearize(logits, images, labels),
    forward: (at) => ({ logits: logits(at) }),
    freeze: () => logits,
    report: () => {},
  };
}

const objectives: Record<'llr' | 'adv', () => Scalar> = {
  llr: () => {
    const { lambda, mu, nominalWeight } = expected;
    const at = context();
    const penalty = llr({ lambda, mu, nominalWeight }).penalty(at, { perturbation });
    return mean(add(mul(at.nominal.loss, nominalWeight), penalty));
  },
  adv: () => mean(adversarialTraining().penalty(context(), { perturbation })),
};

describe('a perceptron against PyTorch', () => {
  it('has the same loss, input gradient and linearity error', () => {
    tidy(() => {
      const { loss, inputGradient } = linearize(logits, images, labels);
      expect(relativeError(logits(images), expected.logits)).toBeLessThan(tolerance);
      expect(relativeError(loss, expected.loss)).toBeLessThan(tolerance);
      expect(relativeError(inputGradient, expected.arrays.inputGradient!)).toBeLessThan(tolerance);
      const found = localLinearity({ logits, images, labels, perturbation });
      expect(relativeError(found.lossPerturbed, expected.lossPerturbed)).toBeLessThan(tolerance);
      expect(relativeError(found.directional, expected.directional)).toBeLessThan(tolerance);
      // g is a small difference of losses, and as exact as the losses are.
      const error: Tensor1D = found.error;
      for (const [row, value] of error.dataSync().entries()) {
        const largest = Math.max(expected.loss[row]!, expected.lossPerturbed[row]!);
        expect(Math.abs(value - expected.error[row]!) / largest).toBeLessThan(tolerance);
      }
    });
  });

  it.each(['llr', 'adv'] as const)('has the same %s objective and parameter gradients', (name) => {
    tidy(() => {
      const { value, grads } = variableGrads(() => tidy(objectives[name]), Object.values(weights));
      expect(relativeError(value, expected[`${name}Objective`])).toBeLessThan(tolerance);
      for (const [parameter, { name: id }] of Object.entries(weights)) {
        const exact = expected.arrays[`${name}/${parameter}`]!;
        expect(relativeError(grads[id]!, exact), parameter).toBeLessThan(tolerance);
      }
    });
  });

  it('has the same δ after the inner maximisation of g', () => {
    const { steps, stepSize } = expected.ascent;
    tidy(() => {
      const found = projectedAscent({ optimizer: adam(), steps, stepSize }).maximize(
        {
          images,
          labels,
          indices,
          logits,
          threat: linfBall(expected.epsilon),
          random: randomSource(0).forExamples(indices),
          start: perturbation,
        },
        localLinearityObjective(),
      );
      expect(relativeError(found.perturbation, expected.ascent.perturbation)).toBeLessThan(1e-3);
      expect(relativeError(perturbation, expected.ascent.perturbation)).toBeGreaterThan(0.1);
    });
  });
});
