import { type Classifier, crossEntropy, linfBall, randomSource } from '@llr/core';
import { wideResNet } from '@llr/models';
import {
  add,
  memory,
  mul,
  type Scalar,
  scalar,
  sum,
  type Tensor4D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { createTrainContext } from '../src/context.ts';
import { stripes, tinyNetwork } from './tiny.ts';

const batch = stripes();
const normed = wideResNet({ depth: 10, widthFactor: 1, numClasses: 3, inputShape: [8, 8, 1] });
const plain = tinyNetwork(3);
afterAll(() => {
  normed.dispose();
  plain.dispose();
});

const contextOf = (classifier: Classifier, report?: (name: string, mean: Scalar) => void) =>
  createTrainContext({
    classifier,
    batch,
    threat: linfBall(0.1),
    random: randomSource(0).forExamples(batch.indices),
    step: scalar(0),
    epoch: scalar(0),
    loss: crossEntropy,
    ...(report && { report }),
  });

/** A network that counts its passes. */
function counted(classifier: Classifier) {
  const uses: unknown[] = [];
  const counting: Classifier = {
    ...classifier,
    forward: (images, use) => {
      uses.push(use);
      return classifier.forward(images, use);
    },
  };
  return { counting, uses };
}

describe('the nominal pass', () => {
  it('makes each part when first asked for, and once', () => {
    const { counting, uses } = counted(normed);
    const { nominal, dispose } = contextOf(counting);
    expect(uses).toEqual([]);
    const { recorded } = nominal;
    void [nominal.loss, nominal.logits, nominal.recorded];
    expect(uses).toEqual(['batch']);
    // ∇ₓℓ(x) takes a pass of its own, at those statistics, which then gives the loss and the logits too.
    void [nominal.inputGradient, nominal.loss, nominal.logits, nominal.inputGradient];
    expect(uses).toEqual(['batch', recorded]);
    dispose();
  });

  it('has an input gradient that holds the batch statistics constant (finite differences)', () => {
    const { nominal, dispose } = contextOf(normed);
    const direction = tidy(() => mul(0.01, add(batch.images, 0.5))) as Tensor4D;
    const slope = (use: 'batch' | 'recorded') =>
      tidy(() => {
        const loss = (by: number) => {
          const at = add(batch.images, mul(by, direction)) as Tensor4D;
          const { logits } = normed.forward(at, use === 'batch' ? 'batch' : nominal.recorded);
          return sum(crossEntropy(logits, batch.labels)).dataSync()[0]!;
        };
        return (loss(1) - loss(-1)) / 2;
      });
    const found = tidy(() => sum(mul(direction, nominal.inputGradient)).dataSync()[0]!);
    expect(found / slope('recorded')).toBeCloseTo(1, 2);
    expect(Math.abs(found / slope('batch') - 1)).toBeGreaterThan(0.1);
    direction.dispose();
    dispose();
  });

  it('is the running one for a network without batch statistics, whatever a regulariser asks for', () => {
    const { counting, uses } = counted(plain);
    const { nominal, forward, dispose } = contextOf(counting);
    void nominal.inputGradient;
    expect(nominal.recorded).toBe('running');
    const recorded = { norm: { mean: tensor1d([0]), variance: tensor1d([1]) } };
    for (const use of ['batch', 'running', recorded] as const) forward(batch.images, use);
    expect(new Set(uses)).toEqual(new Set(['running']));
    dispose();
  });
});

it('keeps what it made, and the means reported to it, through a tidy; dispose() frees them', () => {
  const reported: Record<string, Scalar> = {};
  const context = contextOf(normed, (name, value) => {
    reported[name] = value;
  });
  const before = memory().numTensors;
  tidy(() => {
    void context.nominal.inputGradient;
    context.report('loss', context.nominal.loss);
  });
  const { loss } = context.nominal;
  const average = Array.from(loss.dataSync()).reduce((a, b) => a + b, 0) / loss.size;
  expect(reported.loss!.dataSync()[0]).toBeCloseTo(average, 5);
  expect(memory().numTensors).toBeGreaterThan(before);
  context.dispose();
  expect(memory().numTensors).toBe(before);
});
