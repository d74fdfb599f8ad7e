import { gradientCheck, inputGradient } from '@llr/engine';
import { useEngine } from '@llr/engine/node';
import {
  add,
  memory,
  mul,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  crossEntropy,
  differenceOfLogitsRatio,
  klDivergence,
  lossObjective,
  margin,
  type PerExampleLoss,
  squaredError,
  targetedDifferenceOfLogitsRatio,
  targetedMargin,
} from '../src/index.ts';
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

const tensor2dOf = (row: number[]) => () => tensor2d([row]);

const gradientOf = (f: (at: Tensor2D) => Tensor, at: Tensor2D): number[] =>
  Array.from(inputGradient<Tensor2D>((x) => ({ value: f(x) }), at).gradient.dataSync());

/** The gradient of a weighted sum of the gradient. */
const curvature = (f: (at: Tensor2D) => Tensor, at: Tensor2D): number[] =>
  gradientOf((x) => {
    const { gradient } = inputGradient<Tensor2D>((y) => ({ value: f(y) }), x);
    // The 0 keeps a linear f differentiable.
    return add(sum(gradient, 1), mul(sum(x, 1), 0));
  }, at);

describe.each(['wasm', 'cpu'] as const)('on %s', (engine) => {
  beforeAll(async () => {
    await useEngine({ prefer: engine });
  });
  afterAll(async () => {
    await useEngine();
  });

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

  describe('squaredError', () => {
    test('is ½‖y − z‖² with the gradient z − y, for integer labels and for any targets', () => {
      fc.assert(
        fc.property(batches(50), (rows) => {
          const { logits, labels } = tensors(rows);
          const targets = tensor2d(rows.map(({ logits: z }) => z.map((_, k) => k - 1.5)));
          const wanted = (z: number[], y: number[]) =>
            z.reduce((total, zk, k) => total + (y[k]! - zk) ** 2 / 2, 0);
          const hard = squaredError(logits, labels).dataSync();
          const given = squaredError(logits, targets).dataSync();
          const gradient = gradientOf((at) => squaredError(at, labels), logits);
          rows.forEach(({ logits: z, label }, i) => {
            const oneHot = z.map((_, k) => (k === label ? 1 : 0));
            near(hard[i]!, wanted(z, oneHot), 1e4);
            near(given[i]!, wanted(z, [-1.5, -0.5, 0.5, 1.5, 2.5]), 1e4);
            z.forEach((zk, k) => {
              near(gradient[i * classes + k]!, zk - oneHot[k]!, 50);
            });
          });
        }),
        { numRuns: 50 },
      );
    });
  });

  describe('differenceOfLogitsRatio', () => {
    const z = tensor2dOf([1, 4, 2, 3, 0]);
    const label = (y: number) => tensor1d([y], 'int32');

    test.each([
      [1, -1 / 2],
      [3, 1 / 2],
      [2, 1],
      [0, 3 / 2],
    ])('of the logits 1, 4, 2, 3, 0 with label %d is %d', (y, wanted) => {
      expect(differenceOfLogitsRatio(z(), label(y)).dataSync()[0]).toBeCloseTo(wanted, 6);
    });

    test.each([
      [1, 4, -4 / 2.5],
      [1, 3, -1 / 2.5],
      [4, 0, 1 / 2.5],
      [2, 2, 0],
    ])('of the same logits with label %d and target %d is %d', (y, t, wanted) => {
      const found = targetedDifferenceOfLogitsRatio(z(), label(y), label(t)).dataSync()[0];
      expect(found).toBeCloseTo(wanted, 6);
    });

    test('is the formula on sorted logits, ties included', () => {
      // Rounded, so that sums are exact; to whole numbers, so that many tie.
      const rounded = (limit: number, to: number) =>
        batches(limit).map((rows) =>
          rows.map((row) => ({ ...row, logits: row.logits.map((z) => Math.round(z / to) * to) })),
        );
      fc.assert(
        fc.property(fc.oneof(rounded(2, 1), rounded(50, 2 ** -8)), (rows) => {
          const { logits, labels, targets } = tensors(rows);
          const plain = differenceOfLogitsRatio(logits, labels).dataSync();
          const targeted = targetedDifferenceOfLogitsRatio(logits, labels, targets).dataSync();
          rows.forEach(({ logits: z, label, target }, i) => {
            const [first, , third, fourth] = [...z].sort((a, b) => b - a);
            const wrong = Math.max(...z.filter((_, k) => k !== label));
            const wantedPlain = -(z[label]! - wrong) / (first! - third! || 1);
            const wantedTargeted =
              -(z[label]! - z[target]!) / (first! - (third! + fourth!) / 2 || 1);
            near(plain[i]!, wantedPlain, wantedPlain);
            near(targeted[i]!, wantedTargeted, wantedTargeted);
          });
        }),
        { numRuns: 100 },
      );
    });

    test('does not change when the logits are scaled or shifted', () => {
      fc.assert(
        fc.property(fc.constantFrom(0.01, 3, 1e4), fc.constantFrom(0, -7), (scale, shift) => {
          const moved = tensor2dOf([1, 4, 2, 3, 0].map((v) => scale * (v + shift)))();
          near(differenceOfLogitsRatio(moved, label(0)).dataSync()[0]!, 1.5, 1);
          const targeted = targetedDifferenceOfLogitsRatio(moved, label(0), label(1));
          near(targeted.dataSync()[0]!, 3 / 2.5, 1);
        }),
      );
    });

    test('and its first two derivatives are finite where all logits are equal', () => {
      for (const value of [0, 7]) {
        const equal = tensor2dOf(new Array(classes).fill(value))();
        const losses: [(at: Tensor2D) => Tensor1D, number[]][] = [
          [(at) => differenceOfLogitsRatio(at, label(1)), [1, -1, 0, 0, 0]],
          [(at) => targetedDifferenceOfLogitsRatio(at, label(1), label(2)), [0, -1, 1, 0, 0]],
        ];
        for (const [loss, slope] of losses) {
          expect(loss(equal).dataSync()[0]).toBe(0);
          expect(gradientOf(loss, equal)).toEqual(slope);
          expect(curvature(loss, equal).every(Number.isFinite)).toBe(true);
        }
      }
    });

    test('needs 3 classes, targeted 4', () => {
      const two = tensor2dOf([1, 2])();
      expect(() => differenceOfLogitsRatio(two, label(0))).toThrow('compares 3 classes');
      const three = tensor2dOf([1, 2, 3])();
      expect(() => targetedDifferenceOfLogitsRatio(three, label(0), label(1))).toThrow(
        'compares 4 classes; the logits have 3',
      );
    });
  });

  describe('klDivergence', () => {
    const pairs = (limit: number) =>
      fc.tuple(batches(limit), batches(limit)).map(([p, q]) => {
        const rows = Math.min(p.length, q.length);
        return [p.slice(0, rows), q.slice(0, rows)] as const;
      });
    /** In float64; where p is 0, the term is. */
    const exact = (p: number[], q: number[]) =>
      softmax(p).reduce((total, share, k) => {
        const difference = exactCrossEntropy(q, k) - exactCrossEntropy(p, k);
        return total + (share === 0 ? 0 : share * difference);
      }, 0);

    test('is Σ p (log p − log q), stable for logits up to ±1e4', () => {
      for (const limit of [3, 100, 1e4]) {
        fc.assert(
          fc.property(pairs(limit), ([p, q]) => {
            const found = klDivergence(tensors(p).logits, tensors(q).logits).dataSync();
            found.forEach((value, i) => {
              near(value, exact(p[i]!.logits, q[i]!.logits), limit);
            });
          }),
          { numRuns: 50 },
        );
      }
    });

    test('has the gradient softmax(q) − softmax(p) in q and p (log p − log q − KL) in p', () => {
      fc.assert(
        fc.property(pairs(10), ([p, q]) => {
          const [pz, qz] = [tensors(p).logits, tensors(q).logits];
          const inQ = gradientOf((at) => klDivergence(pz, at), qz);
          const inP = gradientOf((at) => klDivergence(at, qz), pz);
          p.forEach((row, i) => {
            const [ps, qs] = [softmax(row.logits), softmax(q[i]!.logits)];
            const kl = exact(row.logits, q[i]!.logits);
            ps.forEach((share, k) => {
              near(inQ[i * classes + k]!, qs[k]! - share, 1);
              const difference =
                exactCrossEntropy(q[i]!.logits, k) - exactCrossEntropy(row.logits, k);
              near(inP[i * classes + k]!, share * (difference - kl), 10);
            });
          });
        }),
        { numRuns: 50 },
      );
    });

    test('is 0 at equal logits, and refuses other shapes', () => {
      const z = tensor2dOf([0.3, -2, 1e4, 5, 0])();
      expect(klDivergence(z, z).dataSync()[0]).toBe(0);
      expect(() => klDivergence(z, tensor2dOf([1, 2])())).toThrow('[1, 5] and [1, 2]');
    });
  });

  describe('the derivatives', () => {
    const labels = () => tensor1d([0, 3], 'int32');
    const targets = () => tensor1d([4, 1], 'int32');
    const soft = () =>
      tensor2d([
        [0.1, 0.2, 0.3, 0.4, 0],
        [0, 0, 0.5, 0.5, 0],
      ]);
    const logits = () =>
      tensor2d([
        [0.3, -1.2, 0.8, 2, 0.1],
        [-0.4, 0.5, 1.1, -0.7, 0.2],
      ]);
    const other = () => mul(logits(), -0.5) as Tensor2D;
    const losses: Record<string, (at: Tensor2D) => Tensor1D> = {
      'crossEntropy, integer labels': (at) => crossEntropy(at, labels()),
      'crossEntropy, soft labels': (at) => crossEntropy(at, soft()),
      'squaredError, integer labels': (at) => squaredError(at, labels()),
      'squaredError, soft labels': (at) => squaredError(at, soft()),
      margin: (at) => margin(at, labels()),
      targetedMargin: (at) => targetedMargin(at, labels(), targets()),
      differenceOfLogitsRatio: (at) => differenceOfLogitsRatio(at, labels()),
      targetedDifferenceOfLogitsRatio: (at) =>
        targetedDifferenceOfLogitsRatio(at, labels(), targets()),
      'klDivergence in p': (at) => klDivergence(at, other()),
      'klDivergence in q': (at) => klDivergence(other(), at),
    };

    test.each(Object.entries(losses))(
      'of %s are right at first and second order',
      (_name, loss) => {
        for (const seed of [1, 2]) {
          const errors = gradientCheck((at: Tensor) => loss(at as Tensor2D), logits(), { seed });
          expect(errors.first).toBeLessThan(5e-3);
          expect(errors.second).toBeLessThan(1e-2);
        }
      },
    );

    test.each(Object.entries(losses))(
      'of %s are finite for logits of ±1e4 in any order',
      (_name, loss) => {
        for (const row of [
          [1e4, -1e4, 0, 1, 2],
          [-1e4, 1e4, -1e4, 1e4, 1e4],
          [-1e4, 1e4, 3, 0, 1],
        ]) {
          const far = tensor2d([row, [...row].reverse()]);
          expect([...loss(far).dataSync()].every(Number.isFinite)).toBe(true);
          expect(gradientOf(loss, far).every(Number.isFinite)).toBe(true);
          expect(curvature(loss, far).every(Number.isFinite)).toBe(true);
        }
      },
    );
  });

  describe('labels', () => {
    const z = [
      [1, 4, 2, 3, 0],
      [0, 1, 3, 2, 5],
      [2, 0, 1, 3, 4],
    ];
    const byLabel: Record<string, PerExampleLoss> = {
      crossEntropy,
      squaredError,
      margin,
      differenceOfLogitsRatio,
      targetedMargin: (at, labels) => targetedMargin(at, tensor1d([0, 0, 0], 'int32'), labels),
      targetedDifferenceOfLogitsRatio: (at, labels) =>
        targetedDifferenceOfLogitsRatio(at, labels, tensor1d([0, 0, 0], 'int32')),
    };

    test.each(Object.entries(byLabel))(
      '%s of a label that is no class is NaN, and of no other',
      (_name, loss) => {
        for (const wrong of [classes, -1, 1000, -(2 ** 31)]) {
          const value = (label: number) => loss(tensor2d(z), tensor1d([1, label, 3], 'int32'));
          const right = value(2).dataSync();
          const found = value(wrong).dataSync();
          expect(found[1]).toBeNaN();
          expect([found[0], found[2]]).toEqual([right[0], right[2]]);
          const slope = gradientOf((at) => loss(at, tensor1d([1, wrong, 3], 'int32')), tensor2d(z));
          expect(slope.slice(classes, 2 * classes).some(Number.isNaN)).toBe(true);
          expect(
            [...slope.slice(0, classes), ...slope.slice(2 * classes)].every(Number.isFinite),
          ).toBe(true);
        }
      },
    );

    test('may be one-hot or soft where a loss is linear or quadratic in them', () => {
      const integer = tensor1d([1, 4, 0], 'int32');
      const oneHot = tensor2d(
        [1, 4, 0].map((y) => Array.from({ length: classes }, (_, k) => (k === y ? 1 : 0))),
      );
      for (const loss of [crossEntropy, squaredError]) {
        const rows = [...loss(tensor2d(z), oneHot).dataSync()];
        const integers = [...loss(tensor2d(z), integer).dataSync()];
        // Integer labels have a formula of their own, which rounds less.
        rows.forEach((value, i) => {
          expect(value).toBeCloseTo(integers[i]!, 6);
        });
      }
      const soft = [0.5, 0.25, 0, 0, 0.25];
      const found = crossEntropy(tensor2d(z), tensor2d([soft, soft, soft])).dataSync();
      z.forEach((row, i) => {
        const wanted = soft.reduce((total, y, k) => total + y * exactCrossEntropy(row, k), 0);
        expect(found[i]).toBeCloseTo(wanted, 5);
      });
    });

    test('of another shape or kind are refused, with what to do', () => {
      const logits = tensor2d(z);
      const soft = tensor2d(z);
      for (const loss of Object.values(byLabel)) {
        expect(() => loss(logits, tensor1d([1, 2], 'int32'))).toThrow(
          /3 examples, \[b\]; got \[2\]/,
        );
        expect(() => loss(logits, tensor1d([1], 'int32'))).toThrow(RangeError);
        expect(() => loss(logits, tensor1d([1, 2, 3]))).toThrow("cast(labels, 'int32')");
      }
      for (const loss of [margin, differenceOfLogitsRatio]) {
        expect(() => loss(logits, soft as unknown as Tensor1D)).toThrow('argMax(labels, 1)');
      }
      for (const loss of [crossEntropy, squaredError]) {
        expect(() => loss(logits, tensor2d([[0, 1, 0, 0, 0]]))).toThrow('got [1, 5]');
        expect(() => loss(tensor1d([1, 2]) as unknown as Tensor2D, tensor1d([0], 'int32'))).toThrow(
          'Logits must be [b, classes]; got [2]',
        );
      }
    });

    test('are those of an objective made of the loss', () => {
      const labels = tensor1d([0, 1, 2], 'int32');
      const objective = lossObjective(differenceOfLogitsRatio);
      expect(objective.name).toBe('differenceOfLogitsRatio');
      const at = { logits: tensor2d(z), labels, perturbation: undefined as never, state: {} };
      expect([...objective.value(at).dataSync()]).toEqual([
        ...differenceOfLogitsRatio(tensor2d(z), labels).dataSync(),
      ]);
    });
  });

  test('losses leave no tensor behind but their value', () => {
    const { logits, labels, targets } = tensors([{ logits: [1, 2, 3, 4, 5], label: 1, target: 2 }]);
    for (const loss of [
      () => crossEntropy(logits, labels),
      () => crossEntropy(logits, logits),
      () => squaredError(logits, labels),
      () => squaredError(logits, logits),
      () => margin(logits, labels),
      () => targetedMargin(logits, labels, targets),
      () => differenceOfLogitsRatio(logits, labels),
      () => targetedDifferenceOfLogitsRatio(logits, labels, targets),
      () => klDivergence(logits, logits),
    ]) {
      const before = memory().numTensors;
      const value = loss();
      expect(value.shape).toEqual([1]);
      expect(memory().numTensors).toBe(before + 1);
      value.dispose();
    }
  });
});
