import {
  div,
  matMul,
  memory,
  reshape,
  sub,
  type Tensor2D,
  type Tensor4D,
  tensor2d,
  tensor4d,
} from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { fromFunction } from '../src/index.ts';

test('a plain function is a classifier', () => {
  const weights = tensor2d([1, 0, 0, 2], [2, 2]);
  const tint = (images: Tensor4D): Tensor2D =>
    matMul(reshape(div(sub(images, 0.5), 0.25), [-1, 2]), weights);
  const classifier = fromFunction(tint, { inputShape: [1, 2, 1], numClasses: 2 });
  expect(classifier).toMatchObject({ name: 'tint', numClasses: 2, statistics: 'running' });
  const images = tensor4d([0.75, 0.25], [1, 1, 2, 1]);
  const before = memory().numTensors;
  const forward = classifier.forward(images, 'running').logits;
  const frozen = classifier.freeze('running')(images);
  expect(memory().numTensors).toBe(before + 2);
  expect([...forward.dataSync()]).toEqual([1, -2]);
  expect([...frozen.dataSync()]).toEqual([1, -2]);
  const named = fromFunction(tint, { inputShape: [1, 2, 1], numClasses: 2, name: 'mine' });
  expect(named.name).toBe('mine');
});
