import { gradientCheck, inputGradient } from '@llr/engine';
import { memory, type Tensor, type Tensor2D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crossEntropy, margin, targetedMargin } from '../src/index.ts';
import { exactCrossEntropy } from './networks.ts';

const classes = 5;
/** Logits of some examples, each with a label and a target. */
const batches = (limit: number) =>
  fc.array(
    fc.record({
      logits: fc.array(fc.float({ min: -limit, max: limit, noNaN: true }), {
        minLength: classes,
        maxLength: classes,
      }),
      label: fc.nat(classes - 1),
      target: fc.nat(classes - 1),
    }),
    { minLength: 1, maxLength: 4 },
  );

type Rows = { logits: number[]; label: number; target: number }[];
const tensors = (rows: Rows) => ({
  logits: tensor2d(rows.map(({ logits }) => logits)),
  labels: tensor1d(
    rows.map(({ label }) => label),
    'int32',
  ),
  targets: tensor1d(
    rows.map(({ target }) => target),
    'int32',
  ),
});

const softmax = (logits: number[]) => {
  const exps = logits.map((z) => Math.exp(z - Math.max(...logits)));
  const total = exps.reduce((a, b) => a + b);
  return exps.map((e) => e / total);
};

/** As near as float32 numbers of this magnitude can be. */
const near = (found: number, wanted: number, scale: number) =>
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(scale)));

describe('crossEntropy', () => {
  test('is −log p_y, stable for logits up to ±1e4', () => {
    for (const limit of [3, 100, 1e4]) {
      fc.assert(
        fc.property(batches(limit), (rows) => {
          const { logits, labels } = tensors(rows);
          const found = crossEntropy(logits, labels).dataSync();
          rows.forEach((row, i) => {
            near(found[i]!, exactCrossEntropy(row.logits, row.label), limit);
            expect(found[i]).toBeGreaterThanOrEqual(0);
          });
        }),
        { numRuns: 50 },
      );
    }
  });

  test('has the gradient softmax − one-hot, finite for logits up to ±1e4', () => {
    for (const limit of [3, 1e4]) {
      fc.assert(
        fc.property(batches(limit), (rows) => {
          const { logits, labels } = tensors(rows);
          const found = inputGradient<Tensor2D>(
            (at) => ({ value: crossEntropy(at, labels) }),
            logits,
          ).gradient.dataSync();
          rows.forEach((row, i) => {
            softmax(row.logits).forEach((p, k) => {
              near(found[i * classes + k]!, p - (k === row.label ? 1 : 0), 1);
            });
          });
        }),
        { numRuns: 50 },
      );
    }
  });

  test('has a right second derivative', () => {
    const labels = tensor1d([0, 3], 'int32');
    const logits = tensor2d([
      [0.3, -1.2, 0.8, 2, 0.1],
      [-0.4, 0.5, 1.1, -0.7, 0.2],
    ]);
    const errors = gradientCheck((at: Tensor) => crossEntropy(at as Tensor2D, labels), logits);
    expect(errors.first).toBeLessThan(1e-2);
    expect(errors.second).toBeLessThan(1e-2);
  });
});

describe('margins', () => {
  test('margin is the largest wrong logit less the right one, above 0 where the prediction is wrong', () => {
    fc.assert(
      fc.property(batches(50), (rows) => {
        const { logits, labels } = tensors(rows);
        const found = margin(logits, labels).dataSync();
        rows.forEach(({ logits: z, label }, i) => {
          const wrong = Math.max(...z.filter((_, k) => k !== label));
          near(found[i]!, wrong - z[label]!, 50);
          if (wrong > z[label]!) expect(found[i]).toBeGreaterThan(0);
          if (wrong < z[label]!) expect(found[i]).toBeLessThan(0);
        });
      }),
    );
  });

  test('targetedMargin is z_t − z_y; the margin is the largest over the wrong classes', () => {
    fc.assert(
      fc.property(batches(50), (rows) => {
        const { logits, labels, targets } = tensors(rows);
        const found = targetedMargin(logits, labels, targets).dataSync();
        const all = Array.from({ length: classes }, (_, t) => {
          const target = tensor1d(
            rows.map(() => t),
            'int32',
          );
          return targetedMargin(logits, labels, target).dataSync();
        });
        const largest = margin(logits, labels).dataSync();
        rows.forEach(({ logits: z, label, target }, i) => {
          near(found[i]!, z[target]! - z[label]!, 50);
          if (target === label) expect(found[i]).toBe(0);
          near(largest[i]!, Math.max(...all.filter((_, t) => t !== label).map((m) => m[i]!)), 50);
        });
      }),
    );
  });

  test('their gradients are +1 at the class they raise and −1 at the label', () => {
    const logits = tensor2d([[1, 4, 2, 3, 0]]);
    const labels = tensor1d([1], 'int32');
    const gradient = (f: (at: Tensor2D) => Tensor) =>
      Array.from(inputGradient<Tensor2D>((at) => ({ value: f(at) }), logits).gradient.dataSync());
    expect(gradient((at) => margin(at, labels))).toEqual([0, -1, 0, 1, 0]);
    const target = tensor1d([4], 'int32');
    expect(gradient((at) => targetedMargin(at, labels, target))).toEqual([0, -1, 0, 0, 1]);
  });
});

test('losses leave no tensor behind but their value', () => {
  const { logits, labels, targets } = tensors([{ logits: [1, 2, 3, 4, 5], label: 1, target: 2 }]);
  for (const loss of [
    () => crossEntropy(logits, labels),
    () => margin(logits, labels),
    () => targetedMargin(logits, labels, targets),
  ]) {
    const before = memory().numTensors;
    const value = loss();
    expect(value.shape).toEqual([1]);
    expect(memory().numTensors).toBe(before + 1);
    value.dispose();
  }
});
