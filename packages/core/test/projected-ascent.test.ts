import { inputGradient } from '@llr/engine';
import { dispose, memory, mul, sum, type Tensor4D, zerosLike } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  adam,
  crossEntropy,
  linfBall,
  lossObjective,
  margin,
  type Objective,
  projectedAscent,
  sign,
} from '../src/index.ts';
import { affine, batchOf, imagesOf, mlp, perExample, pixels, problemOf } from './networks.ts';

const network = mlp(3).logits;
const optimizers = fc.constantFrom(adam(), sign());
const settings = fc.record({
  optimizer: optimizers,
  stepSize: fc.constantFrom(0.01, 0.1, 3),
  steps: fc.integer({ min: 1, max: 5 }),
  keep: fc.constantFrom('last' as const, 'best' as const),
});
const epsilons = fc.constantFrom(0, 8 / 255, 0.3);
const indices = fc.uniqueArray(fc.nat(50), { minLength: 1, maxLength: 5 });

describe('what is found', () => {
  test('is allowed, and its value is the objective there', () => {
    fc.assert(
      fc.property(settings, epsilons, indices, (options, epsilon, examples) => {
        const batch = batchOf(examples);
        const threat = linfBall(epsilon);
        const found = projectedAscent(options).maximize(
          problemOf(network, batch, threat),
          lossObjective(),
        );
        const again = threat.project(found.perturbation, batch.images).dataSync();
        found.perturbation.dataSync().forEach((d, at) => {
          expect(Math.abs(d - again[at]!)).toBeLessThanOrEqual(1.2e-7);
        });
        const value = problemValue(batch, found.perturbation);
        found.value.dataSync().forEach((v, i) => {
          expect(v).toBeCloseTo(value[i]!, 5);
        });
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  test('belongs to the example, whatever else is in the batch', () => {
    fc.assert(
      fc.property(settings, indices, (options, examples) => {
        const ascent = projectedAscent(options);
        const threat = linfBall(0.1);
        const together = ascent.maximize(
          problemOf(network, batchOf(examples), threat),
          lossObjective(margin),
        );
        const deltas = perExample(together.perturbation);
        examples.forEach((index, row) => {
          const alone = ascent.maximize(
            problemOf(network, batchOf([index]), threat),
            lossObjective(margin),
          );
          alone.perturbation.dataSync().forEach((d, at) => {
            expect(d).toBeCloseTo(deltas[row]![at]!, 4);
          });
        });
      }),
      // Fixed examples: a gradient near 0 may have another sign in another batch.
      { numRuns: 20, seed: 1 },
    );
  });

  test('with keep best is never below the start, the last iterate, or what fewer steps find', () => {
    fc.assert(
      fc.property(
        optimizers,
        fc.constantFrom(0.02, 0.5),
        fc.nat(100),
        (optimizer, stepSize, seed) => {
          const batch = batchOf([1, 2, 3]);
          const threat = linfBall(0.1);
          const problem = problemOf(network, batch, threat, seed);
          const ascend = (steps: number, keep: 'last' | 'best') =>
            projectedAscent({ optimizer, stepSize, steps, keep })
              .maximize(problem, lossObjective())
              .value.dataSync();
          let before = problemValue(batch, threat.start(batch.images, problem.random));
          for (const steps of [1, 2, 3, 5]) {
            const best = ascend(steps, 'best');
            const last = ascend(steps, 'last');
            best.forEach((value, i) => {
              expect(value).toBeGreaterThanOrEqual(before[i]! - 1e-6);
              expect(value).toBeGreaterThanOrEqual(last[i]! - 1e-6);
            });
            before = best;
          }
        },
      ),
      { numRuns: 15, seed: 1 },
    );
  });
});

const problemValue = (batch: ReturnType<typeof batchOf>, perturbation: Tensor4D) =>
  lossObjective()
    .value({
      logits: network(imagesOf(sumOf(batch.images, perturbation))),
      perturbation,
      labels: batch.labels,
      state: {},
    })
    .dataSync();

const sumOf = (a: Tensor4D, b: Tensor4D) => {
  const other = b.dataSync();
  return Array.from(a.dataSync(), (x, i) => x + other[i]!);
};

describe('the steps', () => {
  const batch = batchOf([0, 1, 2], 0.4, 0.6);
  const wide = linfBall(0.3);
  const gradientAt = (at: Tensor4D) =>
    Array.from(
      inputGradient<Tensor4D>(
        (x) => ({ value: crossEntropy(network(x), batch.labels) }),
        at,
      ).gradient.dataSync(),
    );

  test('are one step of the sign from the start given', () => {
    const start = zerosLike(batch.images);
    const { perturbation } = projectedAscent({
      optimizer: sign(),
      stepSize: 0.1,
      steps: 1,
    }).maximize({ ...problemOf(network, batch, wide), start }, lossObjective());
    const gradient = gradientAt(batch.images);
    perturbation.dataSync().forEach((d, at) => {
      expect(d).toBeCloseTo(0.1 * Math.sign(gradient[at]!), 6);
    });
  });

  test('of Adam begin with the sign of the gradient', () => {
    const start = zerosLike(batch.images);
    const problem = { ...problemOf(network, batch, wide), start };
    const options = { stepSize: 0.1, steps: 1 };
    const bySign = projectedAscent({ ...options, optimizer: sign() });
    const byAdam = projectedAscent({ ...options, optimizer: adam() });
    const wanted = bySign.maximize(problem, lossObjective()).perturbation.dataSync();
    const found = byAdam.maximize(problem, lossObjective()).perturbation.dataSync();
    found.forEach((d, at) => {
      expect(d).toBeCloseTo(wanted[at]!, 4);
    });
  });

  test('of Adam are those of Kingma & Ba, ε outside the root', () => {
    const start = zerosLike(batch.images);
    const sizes = [0.05, 0.02, 0.01, 0.03];
    const { perturbation } = projectedAscent({
      stepSize: (step) => sizes[step]!,
      steps: sizes.length,
    }).maximize({ ...problemOf(network, batch, wide), start }, lossObjective());
    const images = Array.from(batch.images.dataSync());
    const delta = images.map(() => 0);
    const m = images.map(() => 0);
    const v = images.map(() => 0);
    sizes.forEach((size, step) => {
      const gradient = gradientAt(imagesOf(images.map((x, i) => x + delta[i]!)));
      gradient.forEach((g, i) => {
        m[i] = 0.9 * m[i]! + 0.1 * g;
        v[i] = 0.999 * v[i]! + 0.001 * g * g;
        const mHat = m[i]! / (1 - 0.9 ** (step + 1));
        const vHat = v[i]! / (1 - 0.999 ** (step + 1));
        delta[i] = delta[i]! + (size * mHat) / (Math.sqrt(vHat) + 1e-9);
      });
    });
    perturbation.dataSync().forEach((d, i) => {
      expect(d).toBeCloseTo(delta[i]!, 3);
    });
  });

  test('are exactly as many as asked for, one gradient each', () => {
    for (const keep of ['last', 'best'] as const) {
      let values = 0;
      const counted: Objective = {
        ...lossObjective(),
        value: (at) => {
          values++;
          return lossObjective().value(at);
        },
      };
      const ascent = projectedAscent({ stepSize: 0.1, steps: 7, keep });
      ascent.maximize(problemOf(network, batch, wide), counted);
      // And one more for the value at the last iterate.
      expect(values).toBe(8);
    }
  });

  test('reach the corner of the ball where the objective is linear', () => {
    const { perturbation } = projectedAscent({ stepSize: 0.1, steps: 8 }).maximize(
      problemOf(affine(2), batch, linfBall(0.1)),
      {
        name: 'first logit',
        prepare: () => ({}),
        value: ({ logits }) => sum(mul(logits, [1, 0, 0, 0]), 1),
      },
    );
    const { gradient } = inputGradient<Tensor4D>(
      (at) => ({ value: mul(affine(2)(at), [1, 0, 0, 0]) }),
      batch.images,
    );
    const slope = gradient.dataSync();
    perturbation.dataSync().forEach((d, at) => {
      expect(d).toBeCloseTo(0.1 * Math.sign(slope[at]!), 6);
    });
  });

  test('stay at 0 where the gradient is 0', () => {
    const flat: Objective = {
      name: 'flat',
      prepare: () => ({}),
      value: ({ logits }) => sum(mul(logits, 0), 1),
    };
    const start = zerosLike(batch.images);
    for (const optimizer of [adam(), sign()]) {
      const { perturbation } = projectedAscent({ optimizer, stepSize: 0.1, steps: 3 }).maximize(
        { ...problemOf(network, batch, wide), start },
        flat,
      );
      expect(perturbation.dataSync().every((d) => d === 0)).toBe(true);
    }
  });
});

test('an objective that is not a number at one iterate shows in the best value', () => {
  const batch = batchOf([1, 2]);
  let calls = 0;
  const broken: Objective = {
    ...lossObjective(),
    value: ({ logits, labels }) => {
      calls += 1;
      return mul(crossEntropy(logits, labels), calls === 2 ? Number.NaN : 1);
    },
  };
  const { value } = projectedAscent({ stepSize: 0.1, steps: 3, keep: 'best' }).maximize(
    problemOf(network, batch, linfBall(0.1)),
    broken,
  );
  expect([...value.dataSync()]).toEqual([Number.NaN, Number.NaN]);
});

test('leaves no tensor behind but what it found', () => {
  for (const keep of ['last', 'best'] as const) {
    for (const optimizer of [adam(), sign()]) {
      const problem = problemOf(network, batchOf([1, 2]), linfBall(0.1));
      const before = memory().numTensors;
      const found = projectedAscent({ optimizer, stepSize: 0.1, steps: 3, keep }).maximize(
        problem,
        lossObjective(),
      );
      expect(memory().numTensors).toBe(before + 2);
      expect(found.perturbation.size).toBe(2 * pixels);
      dispose([found.perturbation, found.value]);
      expect(problem.images.isDisposed).toBe(false);
    }
  }
});

test('options that make no sense are refused', () => {
  for (const steps of [0, -1, 2.5, Number.NaN]) {
    expect(() => projectedAscent({ stepSize: 0.1, steps })).toThrow('steps must be 1 or more');
  }
  for (const stepSize of [0, -0.1, Number.NaN]) {
    expect(() => projectedAscent({ stepSize, steps: 1 })).toThrow('stepSize must be above 0');
  }
});
