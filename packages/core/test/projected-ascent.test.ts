import { convolutionPrecision, inputGradient } from '@llr/engine';
import {
  argMax,
  dispose,
  memory,
  mul,
  sum,
  type Tensor1D,
  type Tensor4D,
  zerosLike,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  adam,
  crossEntropy,
  differenceOfLogitsRatio,
  l2Ball,
  linfBall,
  lossObjective,
  margin,
  normalized,
  type Objective,
  type Problem,
  perturbationOf,
  piecewise,
  projectedAscent,
  sign,
  squaredError,
} from '../src/index.ts';
import { affine, batchOf, imagesOf, mlp, perExample, pixels, problemOf } from './networks.ts';

const network = mlp(3).logits;
const optimizers = fc.constantFrom(adam(), sign(), normalized());
const balls = fc.constantFrom(linfBall, l2Ball);
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
      fc.property(settings, balls, epsilons, indices, (options, ball, epsilon, examples) => {
        const batch = batchOf(examples);
        const threat = ball(epsilon);
        const found = projectedAscent(options).maximize(
          problemOf(network, batch, threat),
          lossObjective(),
        );
        const again = threat.project(found.perturbation, batch.images).dataSync();
        found.perturbation.dataSync().forEach((d, at) => {
          // Not nearer to the ℓ2 sphere than its norm is exact.
          expect(Math.abs(d - again[at]!)).toBeLessThanOrEqual(1.2e-7 + 1e-6 * epsilon);
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

test.each(Object.entries({ crossEntropy, squaredError, margin, differenceOfLogitsRatio }))(
  '%s is raised in every ball',
  (_name, loss) => {
    const drawn = batchOf([1, 2, 3, 4], 0.4, 0.6);
    // Rightly classified: with the label third, DLR is 1 all around.
    const batch = { ...drawn, labels: argMax(network(drawn.images), 1) as Tensor1D };
    const start = zerosLike(batch.images);
    const before = loss(network(batch.images), batch.labels).dataSync();
    for (const [threat, optimizer] of [
      [linfBall(0.1), adam()],
      [linfBall(0.1), sign()],
      [l2Ball(0.3), adam()],
      [l2Ball(0.3), normalized()],
    ] as const) {
      const { value } = projectedAscent({
        optimizer,
        stepSize: 0.05,
        steps: 10,
        keep: 'best',
      }).maximize({ ...problemOf(network, batch, threat), start }, lossObjective(loss));
      value.dataSync().forEach((after, i) => {
        expect(after).toBeGreaterThan(before[i]!);
      });
    }
  },
);

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

  test.each([0.3, 0.04])(
    'of Adam are those of Kingma & Ba, ε outside the root, in the ball of %d',
    (radius) => {
      const start = zerosLike(batch.images);
      const sizes = [0.05, 0.02, 0.01, 0.03];
      const { perturbation } = projectedAscent({
        stepSize: (step) => sizes[step]!,
        steps: sizes.length,
      }).maximize({ ...problemOf(network, batch, linfBall(radius)), start }, lossObjective());
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
          // The projection leaves m and v as they are.
          const moved = delta[i]! + (size * mHat) / (Math.sqrt(vHat) + 1e-9);
          delta[i] = Math.min(radius, Math.max(-radius, moved));
        });
      });
      perturbation.dataSync().forEach((d, i) => {
        expect(d).toBeCloseTo(delta[i]!, 3);
      });
    },
  );

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

  test.each([1, 1e-25, 1e25])(
    'normalised reach the point of the ℓ2 ball along a gradient of size %d',
    (scale) => {
      const objective: Objective = {
        name: 'first logit',
        prepare: () => ({}),
        value: ({ logits }) => sum(mul(logits, [scale, 0, 0, 0]), 1),
      };
      const options = { optimizer: normalized(), stepSize: 0.1, steps: 40 };
      const { perturbation } = projectedAscent(options).maximize(
        problemOf(affine(2), batch, l2Ball(0.3)),
        objective,
      );
      const { gradient } = inputGradient<Tensor4D>(
        (at) => ({ value: mul(affine(2)(at), [1, 0, 0, 0]) }),
        batch.images,
      );
      const slopes = perExample(gradient);
      perExample(perturbation).forEach((delta, i) => {
        const norm = Math.hypot(...slopes[i]!);
        delta.forEach((d, at) => {
          expect(d).toBeCloseTo((0.3 * slopes[i]![at]!) / norm, 4);
        });
      });
    },
  );

  test('normalised are as long as the step size, whatever the gradient', () => {
    const start = zerosLike(batch.images);
    const options = { optimizer: normalized(), stepSize: 0.07, steps: 1 };
    const { perturbation } = projectedAscent(options).maximize(
      { ...problemOf(network, batch, l2Ball(1)), start },
      lossObjective(),
    );
    const slopes = perExample(imagesOf(gradientAt(batch.images)));
    perExample(perturbation).forEach((delta, i) => {
      expect(Math.hypot(...delta)).toBeCloseTo(0.07, 5);
      const along = delta.reduce((total, d, at) => total + d * slopes[i]![at]!, 0);
      expect(along).toBeCloseTo(0.07 * Math.hypot(...slopes[i]!), 5);
    });
  });

  test('stay at 0 where the gradient is 0', () => {
    const flat: Objective = {
      name: 'flat',
      prepare: () => ({}),
      value: ({ logits }) => sum(mul(logits, 0), 1),
    };
    const start = zerosLike(batch.images);
    for (const optimizer of [adam(), sign(), normalized()]) {
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
    for (const optimizer of [adam(), sign(), normalized()]) {
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

describe('piecewise', () => {
  test('is the paper’s 0.1 for 100 steps, 0.01 to 150 and 0.001 after', () => {
    const schedule = piecewise([
      [0, 0.1],
      [100, 0.01],
      [150, 0.001],
    ]);
    expect([0, 1, 99, 100, 149, 150, 199].map(schedule)).toEqual([
      0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001,
    ]);
  });

  test('sets the size of each step', () => {
    const batch = batchOf([0, 1, 2], 0.4, 0.6);
    const stepSize = piecewise([
      [0, 0.05],
      [2, 0.01],
    ]);
    const { perturbation } = projectedAscent({ optimizer: sign(), stepSize, steps: 5 }).maximize(
      { ...problemOf(affine(2), batch, linfBall(0.3)), start: zerosLike(batch.images) },
      {
        name: 'first logit',
        prepare: () => ({}),
        value: ({ logits }) => sum(mul(logits, [1, 0, 0, 0]), 1),
      },
    );
    for (const d of perturbation.dataSync()) expect(Math.abs(d)).toBeCloseTo(0.13, 6);
  });

  test.each([
    [[], 'the first piece must be from step 0'],
    [[[1, 0.1]], 'the first piece must be from step 0'],
    [
      [
        [0, 0.1],
        [5, 0.1],
        [5, 0.2],
      ],
      'got 5 after 5',
    ],
    [
      [
        [0, 0.1],
        [1.5, 0.2],
      ],
      'got 1.5 after 0',
    ],
    [[[0, 0]], 'the size from step 0 must be above 0; got 0'],
    [
      [
        [0, 0.1],
        [9, Number.NaN],
      ],
      'the size from step 9 must be above 0; got NaN',
    ],
  ])('refuses %j', (pieces, message) => {
    expect(() => piecewise(pieces as [number, number][])).toThrow(RangeError);
    expect(() => piecewise(pieces as [number, number][])).toThrow(message);
  });
});

describe('what a caller may leave out', () => {
  test('is the value: the perturbation is the same, and the last iterate costs a pass less', () => {
    for (const keep of ['last', 'best'] as const) {
      const maximizer = projectedAscent({ stepSize: 0.1, steps: 3, keep });
      const passes = (run: (problem: Problem) => Tensor4D) => {
        let count = 0;
        const batch = batchOf([2, 5]);
        const counted = (images: Tensor4D) => {
          count++;
          return network(images);
        };
        const found = run(problemOf(counted, batch, linfBall(0.2)));
        return { count, values: Array.from(found.dataSync()) };
      };
      const alone = passes((problem) => perturbationOf(maximizer, problem, lossObjective()));
      const whole = passes((problem) => maximizer.maximize(problem, lossObjective()).perturbation);
      expect(alone.values).toEqual(whole.values);
      expect([whole.count, alone.count]).toEqual([4, keep === 'last' ? 3 : 4]);
      // A maximiser that doesn't offer it is asked for everything.
      const { perturb: _, ...without } = maximizer;
      const asked = passes((problem) => perturbationOf(without, problem, lossObjective()));
      expect(asked).toEqual(whole);
    }
  });
});

describe('precision', () => {
  const maximizer = projectedAscent({ stepSize: 0.1, steps: 3, precision: 'bfloat16' });

  test('is asked of the engine for the gradients, not for the value', () => {
    const asked: string[] = [];
    const batch = batchOf([2, 5]);
    const noting = (images: Tensor4D) => {
      asked.push(convolutionPrecision());
      return network(images);
    };
    maximizer.maximize(problemOf(noting, batch, linfBall(0.2)), lossObjective());
    expect(asked).toEqual(['bfloat16', 'bfloat16', 'bfloat16', 'float32']);
  });

  test('is part of the name, which a run records', () => {
    expect(maximizer.name).toBe('adam-3-bfloat16');
    expect(projectedAscent({ stepSize: 0.1, steps: 3 }).name).toBe('adam-3');
  });
});

test('options that make no sense are refused', () => {
  for (const steps of [0, -1, 2.5, Number.NaN]) {
    expect(() => projectedAscent({ stepSize: 0.1, steps })).toThrow('steps must be 1 or more');
  }
  for (const stepSize of [0, -0.1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => projectedAscent({ stepSize, steps: 1 })).toThrow('stepSize must be above 0');
  }
  // A list that is too short, before the first step and not at the third.
  const sizes = [0.1, 0.05];
  expect(() => projectedAscent({ stepSize: (step) => sizes[step]!, steps: 3 })).toThrow(
    'stepSize must be above 0; got undefined at step 2',
  );
});
