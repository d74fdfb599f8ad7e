import { useEngine } from '@llr/engine/node';
import {
  matMul,
  mean,
  memory,
  mul,
  reshape,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  checkCrossEntropyBound,
  checkCurvatureBound,
  checkLossBound,
  checkSquaredErrorBound,
  crossEntropy,
  localLinearity,
  quadraticModel,
  squaredError,
} from '../src/index.ts';
import { batchOf, classes, imagesOf, numbers, perExample, pixels } from './networks.ts';
import {
  type ExactLoss,
  exactLosses,
  exactModel,
  oneHotRow,
  perturbationOf,
  twoLayers,
  valuesOf,
} from './quadratic-oracle.ts';

const problems = fc.record({
  seed: fc.nat(10_000),
  kind: fc.constantFrom('random' as const, 'adversarial' as const),
  epsilon: fc.constantFrom(0, 1e-3, 8 / 255, 0.1, 0.5),
});
type ProblemAt = typeof problems extends fc.Arbitrary<infer P> ? P : never;

/** A batch of three, and every term of (C1) for each in float64, ε(δ) from the explicit Jacobian among them. */
function make({ seed, kind, epsilon }: ProblemAt, loss: ExactLoss, gain = 1) {
  const network = twoLayers(seed, gain);
  const { images, labels } = batchOf([seed, seed + 1, seed + 2]);
  const targets = Array.from(labels.dataSync(), oneHotRow);
  const perturbation = perturbationOf(kind, seed, epsilon, { network, loss, images, targets });
  const deltas = perExample(perturbation);
  const exact = perExample(images).map((image, row) =>
    exactModel(loss, network, image, targets[row]!, deltas[row]!),
  );
  return { input: { logits: network.logits, images, labels, perturbation }, exact };
}

const near = (found: number, wanted: number, largest: number) =>
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-5 * largest);
const everyHolds = (holds: number[]) => expect(holds).toEqual(holds.map(() => 1));

describe.each(['wasm', 'cpu'] as const)(
  'on %s, for random networks and δ random or adversarial',
  (engine) => {
    beforeAll(() => useEngine({ prefer: engine }));
    afterAll(() => useEngine());
    const check = (property: (problem: ProblemAt) => void) =>
      fc.assert(
        fc.property(problems, (problem) => tidy(() => property(problem))),
        { numRuns: 40, seed: 1 },
      );

    test('Proposition 4.1 holds, both sides as in float64', () => {
      check((problem) => {
        for (const name of ['crossEntropy', 'squaredError'] as const) {
          const { input, exact } = make(problem, exactLosses[name]);
          const loss = { crossEntropy, squaredError }[name];
          const found = valuesOf(checkLossBound({ ...input, loss }));
          exact.forEach((row, i) => {
            const left = Math.abs(row.lossPerturbed - row.loss);
            const right = Math.abs(row.directional) + row.error;
            expect(left).toBeLessThanOrEqual(right + 1e-12 * row.largest);
            near(found.left[i]!, left, row.largest);
            near(found.right[i]!, right, row.largest);
            expect(found.slack[i]).toBeCloseTo(found.right[i]! - found.left[i]!, 6);
          });
          everyHolds(found.holds);
        }
      });
    });

    test('inequality (C2) holds, both sides as in float64', () => {
      check((problem) => {
        for (const name of ['crossEntropy', 'squaredError'] as const) {
          const { input, exact } = make(problem, exactLosses[name]);
          const loss = { crossEntropy, squaredError }[name];
          const found = valuesOf(checkCurvatureBound({ ...input, loss }));
          exact.forEach((row, i) => {
            const right = row.error + Math.abs(row.modelError);
            expect(row.curvature / 2).toBeLessThanOrEqual(right + 1e-12 * row.largest);
            near(found.left[i]!, row.curvature / 2, row.largest);
            near(found.right[i]!, right, 2 * row.largest);
          });
          everyHolds(found.holds);
        }
      });
    });

    test('Proposition C.1 holds as printed and √2 tighter, all sides as in float64', () => {
      check((problem) => {
        const { input, exact } = make(problem, exactLosses.squaredError);
        const found = valuesOf(checkSquaredErrorBound(input));
        exact.forEach((row, i) => {
          const left = Math.abs(row.directional);
          const gap = row.error + Math.abs(row.modelError);
          expect(left).toBeLessThanOrEqual(2 * Math.sqrt(row.loss * gap) + 1e-7 * row.largest);
          near(found.left[i]!, left, row.largest);
          // The gap under the root is exact to the largest term that it is a difference of.
          const printed = 8 * row.loss;
          near(found.right[i]! ** 2 / printed, gap, 2 * row.largest);
          near(found.tightRight[i]! ** 2 / (printed / 2), gap, 2 * row.largest);
          expect(found.slack[i]).toBeGreaterThanOrEqual(found.tightSlack[i]!);
        });
        everyHolds(found.holds);
        everyHolds(found.tightHolds);
      });
    });

    test('Proposition C.2 holds, both sides as in float64', () => {
      check((problem) => {
        const { input, exact } = make(problem, exactLosses.crossEntropy);
        const found = valuesOf(checkCrossEntropyBound(input));
        exact.forEach((row, i) => {
          const left = Math.abs(row.directional);
          const gap = row.error + Math.abs(row.modelError);
          const right = Math.sqrt(2 * Math.exp(row.loss) * gap);
          expect(left).toBeLessThanOrEqual(right + 1e-7 * Math.max(1, right));
          near(found.left[i]!, left, row.largest);
          if (row.loss < 15) {
            near(found.right[i]! ** 2 / (2 * Math.exp(row.loss)), gap, 2 * row.largest);
          }
          if (left > 0) expect(found.logLeft[i]).toBeCloseTo(Math.log(found.left[i]!), 4);
        });
        everyHolds(found.holds);
      });
    });

    test('saturated, with losses up to 1e4, C.2 is compared in finite logarithms', () => {
      const seen = { loss: 0, infinite: 0 };
      fc.assert(
        fc.property(problems, fc.constantFrom(30, 300, 1000), (problem, gain) => {
          fc.pre(problem.epsilon > 0);
          tidy(() => {
            const { input, exact } = make(problem, exactLosses.crossEntropy, gain);
            const found = valuesOf(checkCrossEntropyBound(input));
            exact.forEach((row, i) => {
              if (row.loss < 1 || row.loss > 1e4) return;
              const logLeft = Math.log(Math.abs(row.directional));
              expect(Number.isFinite(found.logRight[i]!)).toBe(true);
              expect(found.logLeft[i]).toBeCloseTo(logLeft, 2);
              // Never less than what float64 says |δᵀ∇ℓ| can't exceed.
              expect(found.logRight[i]).toBeGreaterThanOrEqual(logLeft - 1e-5 * (1 + row.loss));
              expect(found.right[i]).not.toBeNaN();
              seen.loss = Math.max(seen.loss, row.loss);
              if (found.right[i] === Infinity) seen.infinite++;
            });
            everyHolds(found.holds);
          });
        }),
        { numRuns: 40, seed: 2 },
      );
      // The saturated case did occur.
      expect(seen.loss).toBeGreaterThan(5e3);
      expect(seen.infinite).toBeGreaterThan(0);
    });
  },
);

const sample = () =>
  make({ seed: 4, kind: 'random', epsilon: 0.2 }, exactLosses.crossEntropy).input;
const checks = {
  checkLossBound,
  checkCurvatureBound,
  checkSquaredErrorBound,
  checkCrossEntropyBound,
};

describe('a check', () => {
  test.each(Object.entries(checks))(
    '%s takes the γ of a search, but not one below g',
    (_, check) => {
      tidy(() => {
        const input = sample();
        const byDefault = valuesOf(check(input));
        const g = valuesOf(localLinearity(input)).error;
        const below = valuesOf(check({ ...input, gamma: tensor1d(g.map((e) => e / 2)) }));
        if (check !== checkSquaredErrorBound) expect(below).toEqual(byDefault);
        const above = valuesOf(check({ ...input, gamma: tensor1d([50, 50, 50]) }));
        expect(above.left).toEqual(byDefault.left);
        above.right.forEach((right, row) => {
          expect(right).toBeGreaterThan(byDefault.right[row]!);
        });
        everyHolds(above.holds);
      });
    },
  );

  test.each(Object.entries(checks))('%s does not hold where a side is not a number', (_, check) => {
    tidy(() => {
      const input = sample();
      const unknown = check({ ...input, gamma: tensor1d([NaN, 1, 1]) });
      expect(Array.from(unknown.right.dataSync()).map(Number.isNaN)).toEqual([true, false, false]);
      expect(Array.from(unknown.holds.dataSync())).toEqual([0, 1, 1]);
      const broken = (at: Tensor4D): Tensor2D => mul(input.logits(at), [NaN, 1, 1, 1]);
      const found = check({ ...input, logits: broken });
      expect(Array.from(found.holds.dataSync())).toEqual([0, 0, 0]);
    });
  });

  test.each(Object.entries(checks))('%s is 0 ≤ 0 at δ = 0', (_, check) => {
    tidy(() => {
      const input = sample();
      const found = valuesOf(check({ ...input, perturbation: zerosLike(input.images) }));
      expect(found.left).toEqual([0, 0, 0]);
      found.right.forEach((right) => {
        expect(right).toBeCloseTo(0, 6);
      });
      everyHolds(found.holds);
    });
  });

  test.each(Object.entries(checks))('%s refuses what does not fit', (_, check) => {
    tidy(() => {
      const input = sample();
      const one = imagesOf(numbers(1, pixels));
      expect(() => check({ ...input, perturbation: one })).toThrow(/shaped like/);
      expect(() => check({ ...input, gamma: tensor1d([1]) })).toThrow(
        'gamma must be shaped like the labels, [3]; got [1].',
      );
      expect(() => check({ ...input, labels: tensor1d([0, 1, classes], 'int32') })).toThrow(
        `Label ${classes} of example 2 is not a class`,
      );
    });
  });

  test.each(Object.entries(checks))('%s leaves no tensor behind but its results', (_, check) => {
    const input = sample();
    const before = memory().numTensors;
    for (let call = 0; call < 100; call++) {
      const found: Record<string, Tensor> = { ...check(input) };
      expect(memory().numTensors).toBe(before + Object.keys(found).length);
      for (const left of Object.values(found)) {
        expect(left.shape).toEqual([3]);
        left.dispose();
      }
    }
  });

  test('C.2 stays what it is where p, and with it δᵀGδ, is too small for float32', () => {
    tidy(() => {
      // z = (0, 1000 x₀, 0, 0) is exact here, so g and ε(δ) are exactly 0 as well.
      const weights = tensor2d(
        Float32Array.from({ length: pixels * classes }, (_, at) => (at === 1 ? 1000 : 0)),
        [pixels, classes],
      );
      const logits = (x: Tensor4D): Tensor2D => matMul(reshape(x, [-1, pixels]), weights);
      const images = imagesOf(new Array(pixels).fill(0.5));
      const perturbation = imagesOf(new Array(pixels).fill(0.25));
      const labels = tensor1d([0], 'int32');
      const model = valuesOf(quadraticModel({ logits, images, labels, perturbation }));
      expect(model).toMatchObject({ loss: [500], curvature: [0], error: [0], modelError: [0] });
      const found = valuesOf(checkCrossEntropyBound({ logits, images, labels, perturbation }));
      // δᵀGδ = 3·e⁻⁵⁰⁰·250², but for a relative e⁻⁵⁰⁰.
      expect(found.left).toEqual([250]);
      expect(found.right[0]).toBeCloseTo(250 * Math.sqrt(3), 2);
      everyHolds(found.holds);
    });
  });

  test('of C.2 fails where its premise is broken', () => {
    tidy(() => {
      // The first example is certain, the second certainly wrong, and both depend on the first one's image.
      const logits = (x: Tensor4D): Tensor2D => {
        const shared = mul(1000, mean(reshape(x, [-1, pixels])));
        return mul(shared, tensor2d([oneHotRow(0), oneHotRow(0)])) as Tensor2D;
      };
      const images = imagesOf(new Array(2 * pixels).fill(0.5));
      const perturbation = imagesOf(new Array(2 * pixels).fill(0.2));
      const labels = tensor1d([0, 1], 'int32');
      const found = valuesOf(checkCrossEntropyBound({ logits, images, labels, perturbation }));
      expect(found.left[0]).toBeCloseTo(100, 3);
      expect(found.right[0]).toBeCloseTo(20, 3);
      expect(found.holds[0]).toBe(0);
    });
  });

  test('of C.1 fails where its premise is broken', () => {
    tidy(() => {
      // An example's logits depend on its neighbours' images, and its own loss is 0.
      const weights = tensor2d(numbers(1, pixels * classes, -1, 1), [pixels, classes]);
      const coupled = (images: Tensor4D): Tensor2D => {
        const flat = reshape(images, [-1, pixels]);
        return matMul(sub(flat, mean(flat, 0, true)), weights) as Tensor2D;
      };
      const { images, perturbation } = sample();
      const labels = mul(coupled(images), tensor2d([[1], [3], [3]])) as Tensor2D;
      const logits = coupled;
      const found = valuesOf(checkSquaredErrorBound({ logits, images, labels, perturbation }));
      expect(found.right[0]).toBeLessThan(1e-3);
      expect(found.left[0]).toBeGreaterThan(1e-2);
      expect(found.slack[0]).toBeLessThan(-1e-2);
      expect([found.holds[0], found.tightHolds[0]]).toEqual([0, 0]);
    });
  });
});

describe('labels', () => {
  test('are integers or one-hot rows, and give the same', () => {
    tidy(() => {
      const input = sample();
      const rows = tensor2d(Array.from(input.labels.dataSync(), oneHotRow));
      for (const check of Object.values(checks)) {
        const [whole, oneHot] = [check(input), check({ ...input, labels: rows })].map(valuesOf);
        // Cross-entropy has a formula of its own for integer labels, which rounds less.
        expect(oneHot!.holds).toEqual(whole!.holds);
        for (const side of ['left', 'right'] as const) {
          oneHot![side]!.forEach((value, i) => {
            expect(value).toBeCloseTo(whole![side]![i]!, 4);
          });
        }
      }
    });
  });

  test('may be soft, but not for C.2, which names the example', () => {
    tidy(() => {
      const input = sample();
      const labels = tensor2d([oneHotRow(1), [0.25, 0.5, 0.25, 0], oneHotRow(3)]);
      everyHolds(valuesOf(checkLossBound({ ...input, labels })).holds);
      everyHolds(valuesOf(checkSquaredErrorBound({ ...input, labels })).tightHolds);
      expect(() => checkCrossEntropyBound({ ...input, labels })).toThrow(
        'Proposition C.2 needs integer or one-hot labels; the label of example 1 is [0.25, 0.5, 0.25, 0].',
      );
    });
  });

  test('of a squared error may be any targets', () => {
    tidy(() => {
      const input = sample();
      const labels = tensor2d(numbers(1, 3 * classes, -5, 5), [3, classes]);
      const found = valuesOf(checkSquaredErrorBound({ ...input, labels }));
      everyHolds(found.tightHolds);
    });
  });
});
