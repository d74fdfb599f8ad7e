import { inputGradient } from '@llr/engine';
import {
  add,
  cast,
  dispose,
  div,
  fill,
  grad,
  greater,
  keep,
  matMul,
  memory,
  moments,
  mul,
  oneHot,
  reshape,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  adam,
  type Labels,
  type LinearityVariant,
  linearize,
  linfBall,
  localLinearity,
  localLinearityObjective,
  type Maximizer,
  maximizeLocalLinearity,
  projectedAscent,
  randomSource,
  sign,
  type ThreatModel,
  targetedMargin,
} from '../src/index.ts';
import {
  affine,
  batchOf,
  classes,
  exactCrossEntropy,
  exactGradient,
  imagesOf,
  mlp,
  numbers,
  perExample,
  pixels,
  problemOf,
} from './networks.ts';

const smooth = mlp(5);
const batch = batchOf([3, 1, 4, 15]);
const images = perExample(batch.images);
const labels = Array.from(batch.labels.dataSync());
const deltaOf = (seed: number, epsilon: number, rows = 4) =>
  imagesOf(numbers(seed, rows * pixels, -epsilon, epsilon));
const dot = (a: number[], b: number[]) => a.reduce((total, x, i) => total + x * b[i]!, 0);
const plus = (a: number[], b: number[]) => a.map((x, i) => x + b[i]!);

const loss64 = (row: number) => (image: number[]) =>
  exactCrossEntropy(smooth.exact(image), labels[row]!);

/** A loss that is linear in the logits, so that with an affine network g is 0. */
const linearLoss = (logits: Tensor2D): Tensor1D => sum(mul(logits, [2, -1, 0.5, 3]), 1);

describe('localLinearity', () => {
  test('agrees with finite differences in float64', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.constantFrom(0.03, 0.1, 0.5), (seed, epsilon) => {
        const perturbation = deltaOf(seed, epsilon);
        const found = localLinearity({ ...batch, logits: smooth.logits, perturbation });
        const deltas = perExample(perturbation);
        images.forEach((image, row) => {
          const delta = deltas[row]!;
          const loss = loss64(row)(image);
          const lossPerturbed = loss64(row)(plus(image, delta));
          const directional = dot(delta, exactGradient(loss64(row), image));
          expect(found.loss.dataSync()[row]).toBeCloseTo(loss, 4);
          expect(found.lossPerturbed.dataSync()[row]).toBeCloseTo(lossPerturbed, 4);
          expect(found.directional.dataSync()[row]).toBeCloseTo(directional, 4);
          expect(found.error.dataSync()[row]).toBeCloseTo(
            Math.abs(lossPerturbed - loss - directional),
            4,
          );
        });
      }),
      { numRuns: 30 },
    );
  });

  test('bounds the change of the loss: |ℓ(x+δ) − ℓ(x)| ≤ |δᵀ∇ℓ| + g, with g ≥ 0 (Prop. 4.1)', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.constantFrom(0, 0.03, 0.3, 1), (seed, epsilon) => {
        const perturbation = deltaOf(seed, epsilon);
        const found = localLinearity({ ...batch, logits: smooth.logits, perturbation });
        const [loss, perturbed, directional, error] = [
          found.loss,
          found.lossPerturbed,
          found.directional,
          found.error,
        ].map((tensor) => tensor.dataSync());
        images.forEach((_, row) => {
          expect(error![row]).toBeGreaterThanOrEqual(0);
          expect(Math.abs(perturbed![row]! - loss![row]!)).toBeLessThanOrEqual(
            Math.abs(directional![row]!) + error![row]! + 1e-5,
          );
        });
      }),
      { numRuns: 50 },
    );
  });

  test('is 0 for an affine network and a loss linear in the logits, wherever δ', () => {
    const perturbation = deltaOf(1, 0.5);
    for (const loss of [linearLoss, marginTo(batch.labels)]) {
      const found = localLinearity({ ...batch, logits: affine(7), perturbation, loss });
      const changes = found.directional.dataSync();
      found.error.dataSync().forEach((error, row) => {
        expect(error).toBeLessThan(1e-5);
        expect(Math.abs(changes[row]!)).toBeGreaterThan(1e-2);
      });
    }
  });

  test('is 0 at δ = 0, and not 0 for a curved loss', () => {
    const at = (perturbation: Tensor4D) =>
      localLinearity({ ...batch, logits: smooth.logits, perturbation }).error.dataSync();
    expect(at(zerosLike(batch.images)).every((error) => error === 0)).toBe(true);
    expect(at(deltaOf(1, 0.5)).every((error) => error > 1e-3)).toBe(true);
  });

  test('belongs to the example, whatever else is in the batch', () => {
    const perturbation = deltaOf(2, 0.2);
    const deltas = perExample(perturbation);
    const together = localLinearity({ ...batch, logits: smooth.logits, perturbation });
    images.forEach((image, row) => {
      const alone = localLinearity({
        images: imagesOf(image),
        labels: batchOf([batch.indices[row]!]).labels,
        logits: smooth.logits,
        perturbation: imagesOf(deltas[row]!),
      });
      for (const part of ['loss', 'lossPerturbed', 'directional', 'error'] as const) {
        expect(alone[part].dataSync()[0]).toBeCloseTo(together[part].dataSync()[row]!, 5);
      }
    });
  });

  test('leaves no tensor behind but its four results, over 100 calls', () => {
    const perturbation = deltaOf(2, 0.2);
    const before = memory().numTensors;
    for (let call = 0; call < 100; call++) {
      const found = localLinearity({ ...batch, logits: smooth.logits, perturbation });
      expect(memory().numTensors).toBe(before + 4);
      dispose({ ...found });
    }
    expect(memory().numTensors).toBe(before);
  });

  test('needs two forward passes: one at x, with its gradient, and one at x + δ', () => {
    const perturbation = deltaOf(2, 0.2);
    const at: number[][] = [];
    const logits = (where: Tensor4D) => {
      at.push(Array.from(where.dataSync()));
      return smooth.logits(where);
    };
    localLinearity({ ...batch, logits, perturbation });
    expect(at).toEqual([
      Array.from(batch.images.dataSync()),
      Array.from(add(batch.images, perturbation).dataSync()),
    ]);
  });

  test('takes integers, one-hot rows and soft labels, and refuses what is no class', () => {
    const perturbation = deltaOf(2, 0.2);
    const given = <L extends Labels>(of: L) =>
      localLinearity({ ...batch, labels: of, logits: smooth.logits, perturbation });
    const rows = cast(oneHot(batch.labels, classes), 'float32') as Tensor2D;
    // Cross-entropy has a formula of its own for integer labels, which rounds less.
    const [oneHotError, error] = [rows, batch.labels].map((of) => given(of).error.dataSync());
    oneHotError!.forEach((value, row) => {
      expect(value).toBeCloseTo(error![row]!, 5);
    });
    // ℓ is linear in y, so soft labels give the mean of ℓ.
    const [soft, ...each] = [fill([4, classes], 1 / classes) as Tensor2D, 0, 1, 2, 3].map((of) =>
      given(typeof of === 'number' ? (fill([4], of, 'int32') as Tensor1D) : of).loss.dataSync(),
    );
    soft!.forEach((loss, row) => {
      expect(loss).toBeCloseTo(each.reduce((total, of) => total + of[row]!, 0) / classes, 4);
    });
    expect(() => given(tensor1d([0, 1, -1, 2], 'int32'))).toThrow(
      'Label -1 of example 2 is not a class: 4 classes are numbered 0 to 3.',
    );
    expect(() => given(fill([4, classes], 0.5) as Tensor2D)).toThrow(
      'The label of example 0 sums to 2, not to 1.',
    );
  });

  test('refuses a δ of another shape, which would be broadcast', () => {
    const perturbation = deltaOf(2, 0.2, 1);
    expect(() => localLinearity({ ...batch, logits: smooth.logits, perturbation })).toThrow(
      'perturbation must be shaped like the images, [4, 3, 2, 2]; got [1, 3, 2, 2].',
    );
  });
});

describe('localLinearity of a plain tfjs function with batch statistics', () => {
  const hidden = 5;
  const first = numbers(21, pixels * hidden, -2, 2);
  const second = numbers(22, hidden * classes, -2, 2);
  const matrices = () =>
    [tensor2d(first, [pixels, hidden]), tensor2d(second, [hidden, classes])] as const;
  type Statistics = { mean: Tensor; variance: Tensor };

  const hiddenOf = (x: Tensor4D) => matMul(reshape(x, [-1, pixels]), matrices()[0]);
  const normalized = (x: Tensor4D, of: (h: Tensor) => Statistics): Tensor2D => {
    const h = hiddenOf(x);
    const { mean, variance } = of(h);
    return matMul(
      softplus(div(sub(h, mean), sqrt(add(variance, 1e-2)))),
      matrices()[1],
    ) as Tensor2D;
  };

  type Rows = readonly (readonly number[])[];
  const hidden64 = (x: Rows) =>
    x.map((image) =>
      Array.from({ length: hidden }, (_, j) =>
        image.reduce((h, xi, i) => h + xi * first[i * hidden + j]!, 0),
      ),
    );
  const mean64 = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  /** The losses of a batch, whose statistics are those of `from`, in float64. */
  const losses64 = (x: Rows, from: Rows) => {
    const statistics = Array.from({ length: hidden }, (_, j) => {
      const column = hidden64(from).map((row) => row[j]!);
      const mean = mean64(column);
      return { mean, scale: Math.sqrt(mean64(column.map((h) => (h - mean) ** 2)) + 1e-2) };
    });
    return hidden64(x).map((row, example) => {
      const active = row.map((h, j) =>
        Math.log1p(Math.exp((h - statistics[j]!.mean) / statistics[j]!.scale)),
      );
      const z = Array.from({ length: classes }, (_, k) =>
        active.reduce((total, a, j) => total + a * second[j * classes + k]!, 0),
      );
      return exactCrossEntropy(z, labels[example]!);
    });
  };

  const perturbation = deltaOf(23, 0.2);
  const deltas = perExample(perturbation);
  const moved = images.map((image, row) => plus(image, deltas[row]!));
  const total = (values: number[]) => values.reduce((a, b) => a + b);
  /** δᵢᵀ∇ₓᵢ of the sum of the losses. */
  const directional64 = (losses: (x: Rows) => number[]) =>
    images.map((image, row) => {
      const summed = (at: number[]) =>
        total(losses(images.map((other, i) => (i === row ? at : other))));
      return dot(deltas[row]!, exactGradient(summed, image));
    });

  const agree = (
    found: ReturnType<typeof localLinearity>,
    perturbed: number[],
    slope: number[],
  ) => {
    const [loss, lossPerturbed, directional, error] = [
      found.loss,
      found.lossPerturbed,
      found.directional,
      found.error,
    ].map((tensor) => tensor.dataSync());
    losses64(images, images).forEach((clean, row) => {
      expect(loss![row]).toBeCloseTo(clean, 4);
      expect(lossPerturbed![row]).toBeCloseTo(perturbed[row]!, 4);
      expect(directional![row]).toBeCloseTo(slope[row]!, 4);
      expect(error![row]).toBeCloseTo(Math.abs(perturbed[row]! - clean - slope[row]!), 4);
    });
  };

  test('differentiates statistics computed inside', () => {
    const logits = (x: Tensor4D) => normalized(x, (h) => moments(h, 0));
    const inside = directional64((x) => losses64(x, x));
    agree(localLinearity({ ...batch, logits, perturbation }), losses64(moved, moved), inside);
    // They do matter here.
    const outside = directional64((x) => losses64(x, images));
    expect(Math.max(...inside.map((d, row) => Math.abs(d - outside[row]!)))).toBeGreaterThan(1e-2);
  });

  test('holds statistics computed before constant, though from the same images', () => {
    const frozen = moments(hiddenOf(batch.images), 0);
    const logits = (x: Tensor4D) => normalized(x, () => frozen);
    const outside = directional64((x) => losses64(x, images));
    agree(localLinearity({ ...batch, logits, perturbation }), losses64(moved, images), outside);
    // Also under an outer gradient, which has seen the images before.
    tidy(() => {
      let found: ReturnType<typeof localLinearity> | undefined;
      grad((outer) => {
        const x = outer as Tensor4D;
        const of = moments(hiddenOf(x), 0);
        found = localLinearity({
          logits: (at) => normalized(at, () => of),
          images: x,
          labels: batch.labels,
          perturbation,
        });
        for (const tensor of Object.values(found)) keep(tensor);
        return sum(found.error);
      })(batch.images);
      agree(found!, losses64(moved, images), outside);
      dispose({ ...found! });
    });
  });
});

function marginTo(labelsOf: Tensor1D) {
  return (logits: Tensor2D, of: Tensor1D): Tensor1D => {
    expect(of).toBe(labelsOf);
    return targetedMargin(logits, of, batchOf([8, 10, 11, 12]).labels);
  };
}

describe('the objective g', () => {
  const gradientOf = (variant: LinearityVariant, perturbation: Tensor4D) => {
    const objective = localLinearityObjective({ variant });
    const state = objective.prepare(problemOf(smooth.logits, batch, linfBall(0.5)));
    const { gradient, value } = inputGradient<Tensor4D>((delta) => {
      const logits = smooth.logits(add(batch.images, delta));
      return {
        value: objective.value({ logits, perturbation: delta, labels: batch.labels, state }),
      };
    }, perturbation);
    return { gradient: perExample(gradient), value: value.dataSync() };
  };

  test.each<LinearityVariant>(['paper', 'deepmind'])(
    'has the %s gradient: sign · (∇ℓ(x+δ) − ∇ℓ(x)), or sign · ∇ℓ(x+δ)',
    (variant) => {
      const perturbation = deltaOf(6, 0.5);
      const deltas = perExample(perturbation);
      const found = gradientOf(variant, perturbation);
      images.forEach((image, row) => {
        const delta = deltas[row]!;
        const here = exactGradient(loss64(row), image);
        const there = exactGradient(loss64(row), plus(image, delta));
        const residual = loss64(row)(plus(image, delta)) - loss64(row)(image) - dot(delta, here);
        expect(found.value[row]).toBeCloseTo(Math.abs(residual), 4);
        found.gradient[row]!.forEach((slope, at) => {
          const linear = variant === 'paper' ? here[at]! : 0;
          expect(slope).toBeCloseTo(Math.sign(residual) * (there[at]! - linear), 3);
        });
      });
    },
  );

  test('is the same with a linearisation that the caller has already, which is not made again', () => {
    let passes = 0;
    const counted = (at: Tensor4D) => {
      passes++;
      return smooth.logits(at);
    };
    const around = linearize(smooth.logits, batch.images, batch.labels);
    const problem = problemOf(counted, batch, linfBall(0.2));
    const ascent = projectedAscent({ stepSize: 0.1, steps: 3 });
    const given = ascent.maximize(problem, localLinearityObjective({ around }));
    expect(passes).toBe(4);
    const made = ascent.maximize(problem, localLinearityObjective());
    expect(passes).toBe(9);
    expect(given.perturbation.dataSync()).toEqual(made.perturbation.dataSync());
    expect(given.value.dataSync()).toEqual(made.value.dataSync());
    expect(around.loss.isDisposed || around.inputGradient.isDisposed).toBe(false);
  });
});

describe('maximizeLocalLinearity', () => {
  test('finds γ = ε²‖w‖₁² for the loss (wᵀx + c)²', () => {
    const logits = affine(9);
    const inside = batchOf([1, 2, 3], 0.4, 0.6);
    const loss = (z: Tensor2D): Tensor1D => sum(square(mul(z, [1, 0, 0, 0])), 1);
    const { gradient } = inputGradient<Tensor4D>(
      (at) => ({ value: mul(logits(at), [1, 0, 0, 0]) }),
      inside.images,
    );
    const norm = perExample(gradient)[0]!.reduce((total, w) => total + Math.abs(w), 0);
    for (const epsilon of [0.02, 0.1, 0.3]) {
      const threat = linfBall(epsilon);
      const { gamma } = maximizeLocalLinearity({ ...inside, logits, threat, loss });
      for (const found of gamma.dataSync()) {
        expect(found / (epsilon * norm) ** 2).toBeCloseTo(1, 3);
      }
    }
  });

  test('returns an allowed δ at which g is γ, and never less than g at random perturbations', () => {
    const threat = linfBall(0.2);
    const { gamma, perturbation } = maximizeLocalLinearity({
      ...batch,
      logits: smooth.logits,
      threat,
    });
    const largest = gamma.dataSync();
    const again = localLinearity({ ...batch, logits: smooth.logits, perturbation });
    again.error.dataSync().forEach((error, row) => {
      expect(error).toBeCloseTo(largest[row]!, 5);
    });
    expect(Math.max(...threat.size(perturbation).dataSync())).toBeLessThanOrEqual(0.2 + 1e-6);
    for (let seed = 0; seed < 20; seed++) {
      const random = threat.project(deltaOf(seed, 0.2), batch.images);
      const { error } = localLinearity({ ...batch, logits: smooth.logits, perturbation: random });
      error.dataSync().forEach((g, row) => {
        expect(largest[row]).toBeGreaterThanOrEqual(g);
      });
    }
  });

  test('is 0 at ε = 0, and for a loss that is linear', () => {
    const flat = maximizeLocalLinearity({
      ...batch,
      logits: smooth.logits,
      threat: linfBall(0),
    });
    expect(flat.gamma.dataSync().every((gamma) => gamma === 0)).toBe(true);
    const linear = maximizeLocalLinearity({
      ...batch,
      logits: affine(7),
      threat: linfBall(0.3),
      loss: linearLoss,
    });
    expect(Math.max(...linear.gamma.dataSync())).toBeLessThan(1e-5);
  });

  /** g at the δ that an ascent from this seed starts at. */
  const errorAtStart = (threat: ThreatModel, seed: number, of = batch) => {
    const perturbation = threat.start(of.images, randomSource(seed).forExamples(of.indices));
    return localLinearity({ ...of, logits: smooth.logits, perturbation }).error.dataSync();
  };

  test('is at least g at its own start, and never decreases with more steps, keeping the best', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.constantFrom(0.01, 0.1, 0.4),
        fc.constantFrom(0.01, 0.1, 1),
        fc.constantFrom(adam(), sign()),
        fc.constantFrom('paper' as const, 'deepmind' as const),
        (seed, epsilon, stepSize, optimizer, variant) => {
          tidy(() => {
            const threat = linfBall(epsilon);
            let before = errorAtStart(threat, seed) as ArrayLike<number>;
            for (const steps of [1, 2, 3, 5, 8]) {
              const { gamma } = maximizeLocalLinearity({
                ...batch,
                logits: smooth.logits,
                threat,
                variant,
                random: randomSource(seed).forExamples(batch.indices),
                maximizer: projectedAscent({ optimizer, stepSize, steps, keep: 'best' }),
              });
              const now = gamma.dataSync();
              now.forEach((g, row) => {
                // The start's g is computed here by other kernels' rounding.
                expect(g).toBeGreaterThanOrEqual(before[row]! - (steps === 1 ? 1e-6 : 0));
              });
              before = now;
            }
          });
        },
      ),
      { numRuns: 20 },
    );
  });

  test('belongs to the example, whatever else is in the batch and in which order', () => {
    const threat = linfBall(0.1);
    const maximizer = projectedAscent({ stepSize: 0.02, steps: 4, keep: 'best' });
    const gammaOf = (indices: number[]) => {
      const some = batchOf(indices);
      const random = randomSource(3).forExamples(some.indices);
      const input = { ...some, logits: smooth.logits, threat, maximizer, random };
      return maximizeLocalLinearity(input).gamma.dataSync();
    };
    const all = [3, 1, 4, 15];
    const together = gammaOf(all);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: 1 }), (some) => {
        tidy(() => {
          gammaOf(some).forEach((gamma, row) => {
            expect(gamma).toBeCloseTo(together[all.indexOf(some[row]!)]!, 5);
          });
        });
      }),
      { numRuns: 10 },
    );
  });

  test('takes any maximiser, and returns what that found', () => {
    const threat = linfBall(0.1);
    /** The better of two constant perturbations. */
    const maximizer: Maximizer = {
      name: 'two-corners',
      maximize: (problem, objective) =>
        tidy(() => {
          const state = objective.prepare(problem);
          const found = [0.1, -0.1].map((by) => {
            const perturbation = problem.threat.project(
              fill(problem.images.shape, by) as Tensor4D,
              problem.images,
            );
            const logits = problem.logits(add(problem.images, perturbation));
            const { labels } = problem;
            return {
              perturbation,
              value: objective.value({ logits, perturbation, labels, state }),
            };
          });
          const [up, down] = found as [(typeof found)[0], (typeof found)[0]];
          const first = greater(up.value, down.value);
          return {
            perturbation: where(reshape(first, [-1, 1, 1, 1]), up.perturbation, down.perturbation),
            value: where(first, up.value, down.value),
          };
        }),
    };
    const input = { ...batch, logits: smooth.logits, threat };
    const before = memory().numTensors;
    const { gamma, perturbation } = maximizeLocalLinearity({ ...input, maximizer });
    expect(memory().numTensors).toBe(before + 2);
    const corners = [0.1, -0.1].map((by) => {
      const corner = threat.project(fill(batch.images.shape, by) as Tensor4D, batch.images);
      return localLinearity({ ...input, perturbation: corner }).error.dataSync();
    });
    gamma.dataSync().forEach((g, row) => {
      expect(g).toBeCloseTo(Math.max(corners[0]![row]!, corners[1]![row]!), 6);
    });
    const again = localLinearity({ ...input, perturbation }).error.dataSync();
    expect(Array.from(again)).toEqual(Array.from(gamma.dataSync()));
  });

  test('follows the gradient of its variant', () => {
    const threat = linfBall(0.3);
    const maximizer = projectedAscent({ stepSize: 0.05, steps: 3 });
    const found = (['paper', 'deepmind'] as const).map((variant) => {
      const input = { ...batch, logits: smooth.logits, threat, maximizer, variant };
      const problem = {
        ...problemOf(smooth.logits, batch, threat),
        random: randomSource(0).fork('local-linearity').forExamples([0, 1, 2, 3]),
      };
      const wanted = maximizer.maximize(problem, localLinearityObjective({ variant }));
      const { perturbation } = maximizeLocalLinearity(input);
      expect(perturbation.dataSync()).toEqual(wanted.perturbation.dataSync());
      return Array.from(perturbation.dataSync());
    });
    expect(found[0]).not.toEqual(found[1]);
  });

  test('needs one pass for ℓ(x) and ∇ₓℓ(x), one for each step, and one for the last iterate', () => {
    let passes = 0;
    const logits = (at: Tensor4D) => {
      passes++;
      return smooth.logits(at);
    };
    const maximizer = projectedAscent({ stepSize: 0.1, steps: 5, keep: 'best' });
    maximizeLocalLinearity({ ...batch, logits, threat: linfBall(0.1), maximizer });
    expect(passes).toBe(1 + 5 + 1);
  });

  test('refuses labels that are no classes', () => {
    const input = { ...batch, logits: smooth.logits, threat: linfBall(0.1) };
    expect(() =>
      maximizeLocalLinearity({ ...input, labels: tensor1d([0, 1, 2, classes], 'int32') }),
    ).toThrow('Label 4 of example 3 is not a class');
  });

  test('is the same every time, and leaves no tensor behind but its two results', () => {
    const maximizer = projectedAscent({ stepSize: 0.1, steps: 3, keep: 'best' });
    const threat = linfBall(0.1);
    const find = () =>
      maximizeLocalLinearity({ ...batch, logits: smooth.logits, threat, maximizer });
    const once = find();
    const before = memory().numTensors;
    for (let call = 0; call < 100; call++) {
      const again = find();
      expect(memory().numTensors).toBe(before + 2);
      expect(again.gamma.dataSync()).toEqual(once.gamma.dataSync());
      expect(again.perturbation.dataSync()).toEqual(once.perturbation.dataSync());
      dispose(again);
    }
  });
});
