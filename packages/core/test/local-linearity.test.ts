import { inputGradient } from '@llr/engine';
import {
  add,
  dispose,
  memory,
  mul,
  square,
  sum,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  zerosLike,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type LinearityVariant,
  linearize,
  linfBall,
  localLinearity,
  localLinearityObjective,
  maximizeLocalLinearity,
  projectedAscent,
  targetedMargin,
} from '../src/index.ts';
import {
  affine,
  batchOf,
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

  test('leaves no tensor behind but its four results', () => {
    const perturbation = deltaOf(2, 0.2);
    const before = memory().numTensors;
    const { loss, lossPerturbed, directional, error } = localLinearity({
      ...batch,
      logits: smooth.logits,
      perturbation,
    });
    expect(memory().numTensors).toBe(before + 4);
    dispose([loss, lossPerturbed, directional, error]);
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

  test('is the same every time, and leaves no tensor behind but its two results', () => {
    const maximizer = projectedAscent({ stepSize: 0.1, steps: 3, keep: 'best' });
    const threat = linfBall(0.1);
    const find = () =>
      maximizeLocalLinearity({ ...batch, logits: smooth.logits, threat, maximizer });
    const once = find();
    const before = memory().numTensors;
    const twice = find();
    expect(memory().numTensors).toBe(before + 2);
    expect(twice.gamma.dataSync()).toEqual(once.gamma.dataSync());
    expect(twice.perturbation.dataSync()).toEqual(once.perturbation.dataSync());
  });
});
