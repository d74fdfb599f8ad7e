import { type Classifier, crossEntropy, linfBall, randomSource } from '@llr/core';
import { gradientCheck } from '@llr/engine';
import { useEngine } from '@llr/engine/node';
import { createTrainContext } from '@llr/train';
import {
  matMul,
  reshape,
  scalar,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { inputGradientPenalty } from './input-gradient-penalty.ts';

const pixels = [0.2, 0.9, 0.4, 0.7];
const weights = [1, -2, 0.5, 0.3, 2, -1, 0.7, 0.1, -0.4, -1.5, 0.6, 0.8];

/** Logits xW of images with four pixels, for three classes. */
function linear(matrix: Tensor2D): Classifier {
  const logits = (images: Tensor4D): Tensor2D =>
    matMul(reshape(images, [-1, 4]) as Tensor2D, matrix);
  return {
    name: 'linear',
    inputShape: [2, 2, 1],
    numClasses: 3,
    statistics: 'running',
    forward: (images) => ({ logits: logits(images) }),
    freeze: () => logits,
  };
}

function penaltyOf(matrix: Tensor, lambda: number): Tensor {
  const context = createTrainContext({
    classifier: linear(matrix as Tensor2D),
    batch: {
      images: tensor4d(pixels, [1, 2, 2, 1]),
      labels: tensor1d([1], 'int32'),
      indices: Int32Array.of(0),
    },
    threat: linfBall(0.1),
    random: randomSource(0),
    step: scalar(0),
    epoch: scalar(0),
    loss: crossEntropy,
  });
  return inputGradientPenalty(lambda).penalty(context, {});
}

beforeAll(async () => {
  await useEngine();
});

test('is λ‖W(p − y)‖² for a linear network', () => {
  const logits = [0, 1, 2].map((j) =>
    pixels.reduce((sum, x, i) => sum + x * weights[i * 3 + j]!, 0),
  );
  const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
  const residual = logits.map((z, j) => Math.exp(z) / total - (j === 1 ? 1 : 0));
  const gradient = pixels.map((_, i) =>
    residual.reduce((sum, r, j) => sum + weights[i * 3 + j]! * r, 0),
  );
  const expected = 0.3 * gradient.reduce((sum, g) => sum + g * g, 0);
  const found = tidy(() => penaltyOf(tensor2d(weights, [4, 3]), 0.3).dataSync());
  expect(found[0]).toBeCloseTo(expected, 5);
});

test('its gradient in the weights agrees with finite differences', () => {
  const errors = gradientCheck((matrix) => penaltyOf(matrix, 1), tensor2d(weights, [4, 3]));
  expect(errors.first).toBeLessThan(5e-3);
});

test('refuses a negative weight', () => {
  expect(() => inputGradientPenalty(-1)).toThrow('lambda must be 0 or more; got -1');
});
