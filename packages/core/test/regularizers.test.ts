import { installHigherOrderGradients } from '@llr/engine';
import {
  grad,
  matMul,
  memory,
  reshape,
  softplus,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  adversarialTraining,
  llr,
  localLinearity,
  type Maximizer,
  projectedAscent,
  type Regularizer,
  type TrainContext,
} from '../src/index.ts';
import {
  batchOf,
  classes,
  exactCrossEntropy,
  imagesOf,
  type Logits,
  mlp,
  numbers,
  perExample,
  pixels,
} from './networks.ts';
import { contextOf, recorded } from './train-context.ts';

const network = mlp(5).logits;
const batch = batchOf([3, 1, 4, 15]);
const epsilon = 0.3;
const maximizer = projectedAscent({ stepSize: 0.1, steps: 3 });

function penaltyOf<F extends Record<string, Tensor>>(
  regularizer: Regularizer<F>,
  context: TrainContext,
) {
  const found = regularizer.search!(context);
  return { found, values: Array.from(regularizer.penalty(context, found).dataSync()) };
}

describe('llr', () => {
  test('is λ·g + μ·|δᵀ∇ₓℓ| at the δ its search found', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 0.5, 4),
        fc.constantFrom(0, 0.75, 3),
        fc.constantFrom('paper' as const, 'deepmind' as const),
        (lambda, mu, variant) => {
          const context = contextOf(network, batch, epsilon);
          const { found, values } = penaltyOf(llr({ lambda, mu, variant, maximizer }), context);
          const { error, directional } = localLinearity({
            ...batch,
            logits: network,
            perturbation: found.perturbation,
          });
          const g = error.dataSync();
          const change = directional.dataSync();
          values.forEach((value, row) => {
            expect(value).toBeCloseTo(lambda * g[row]! + mu * Math.abs(change[row]!), 4);
          });
          expect(Math.max(...g)).toBeGreaterThan(0.01);
          const reported = (name: string) => Array.from(context.reported.get(name)!.dataSync());
          reported('linearity error').forEach((value, row) => {
            expect(value).toBeCloseTo(g[row]!, 5);
          });
          reported('directional derivative').forEach((value, row) => {
            expect(value).toBeCloseTo(Math.abs(change[row]!), 5);
          });
        },
      ),
      { numRuns: 12 },
    );
  });

  test('is exactly 0 with λ = μ = 0, and at ε = 0', () => {
    const nothing = llr({ lambda: 0, mu: 0, maximizer });
    expect(penaltyOf(nothing, contextOf(network, batch, epsilon)).values).toEqual([0, 0, 0, 0]);
    const full = llr({ lambda: 4, mu: 3, maximizer });
    expect(penaltyOf(full, contextOf(network, batch, 0)).values).toEqual([0, 0, 0, 0]);
  });

  test('runs the network only with the statistics of the nominal pass', () => {
    const context = contextOf(network, batch, epsilon);
    penaltyOf(llr({ lambda: 1, mu: 1, maximizer }), context);
    // Three gradients and the penalty; the nominal pass is shared.
    expect(context.uses).toEqual([recorded, recorded, recorded, recorded]);
  });

  test('searches with the maximiser it is given', () => {
    const perturbation = imagesOf(numbers(8, 4 * pixels, -0.1, 0.1));
    const fixed: Maximizer = {
      name: 'fixed',
      maximize: (problem, objective) => {
        expect(objective.name).toBe('local-linearity');
        expect(problem.images).toBe(batch.images);
        return { perturbation, value: problem.labels };
      },
    };
    const regularizer = llr({ lambda: 1, mu: 0, maximizer: fixed });
    const { found, values } = penaltyOf(regularizer, contextOf(network, batch, epsilon));
    expect(found.perturbation).toBe(perturbation);
    const { error } = localLinearity({ ...batch, logits: network, perturbation });
    error.dataSync().forEach((g, row) => {
      expect(values[row]).toBeCloseTo(g, 5);
    });
  });

  test("weights the nominal loss by 2, the paper's w on CIFAR-10, or as asked", () => {
    expect(llr({ lambda: 4, mu: 3 }).nominalWeight).toBe(2);
    expect(llr({ lambda: 3, mu: 6, nominalWeight: 3 }).nominalWeight).toBe(3);
  });

  test.each([-1, Number.NaN])('refuses a weight of %d', (bad) => {
    expect(() => llr({ lambda: bad, mu: 1 })).toThrow(/llr: lambda must be 0 or more/);
    expect(() => llr({ lambda: 1, mu: bad })).toThrow(/llr: mu must be 0 or more/);
    expect(() => llr({ lambda: 1, mu: 1, nominalWeight: bad })).toThrow(/nominalWeight/);
  });

  test('has the right gradient in the parameters: through ∇ₓℓ(x) too, δ constant', () => {
    const hidden = 5;
    const first = numbers(31, pixels * hidden, -1, 1);
    const second = numbers(32, hidden * classes, -2, 2);
    const perturbation = imagesOf(numbers(33, 4 * pixels, -epsilon, epsilon));
    const [lambda, mu] = [4, 3];
    const regularizer = llr({ lambda, mu, maximizer });

    const netOf =
      (weights: Tensor2D): Logits =>
      (images) =>
        tidy(() =>
          matMul(
            softplus(matMul(reshape(images, [-1, pixels]), weights)),
            tensor2d(second, [hidden, classes]),
          ),
        );
    installHigherOrderGradients();
    const found = grad((weights: Tensor) => {
      const context = contextOf(netOf(weights as Tensor2D), batch, epsilon);
      return sum(regularizer.penalty(context, { perturbation }));
    })(tensor2d(first, [pixels, hidden])).dataSync();

    const exact = penalty64({ first, second, hidden, lambda, mu, perturbation });
    const wanted = Array.from(first, (_, at) => {
      const moved = (by: number) => exact(Array.from(first, (w, i) => (i === at ? w + by : w)));
      return (moved(1e-5) - moved(-1e-5)) / 2e-5;
    });
    const norm = Math.hypot(...wanted);
    const error = Math.hypot(...wanted.map((w, i) => w - found[i]!));
    expect(norm).toBeGreaterThan(0.5);
    expect(error / norm).toBeLessThan(1e-4);
  });
});

/** Σ λ·g + μ·|δᵀ∇ₓℓ| in float64, δᵀ∇ₓℓ by central differences, as a function of the first layer's weights. */
function penalty64(net: {
  first: ArrayLike<number>;
  second: Float32Array;
  hidden: number;
  lambda: number;
  mu: number;
  perturbation: Tensor4D;
}) {
  const { second, hidden, lambda, mu } = net;
  const images = perExample(batch.images);
  const deltas = perExample(net.perturbation);
  const labels = batch.labels.dataSync();
  const loss = (first: number[], row: number, along: number) => {
    const x = images[row]!.map((pixel, i) => pixel + along * deltas[row]![i]!);
    const inner = Array.from({ length: hidden }, (_, j) =>
      Math.log1p(Math.exp(x.reduce((z, pixel, i) => z + pixel * first[i * hidden + j]!, 0))),
    );
    const logits = Array.from({ length: classes }, (_, k) =>
      inner.reduce((z, h, j) => z + h * second[j * classes + k]!, 0),
    );
    return exactCrossEntropy(logits, labels[row]!);
  };
  return (first: number[]) =>
    images.reduce((total, _, row) => {
      const step = 1e-4;
      const directional = (loss(first, row, step) - loss(first, row, -step)) / (2 * step);
      const g = Math.abs(loss(first, row, 1) - loss(first, row, 0) - directional);
      return total + lambda * g + mu * Math.abs(directional);
    }, 0);
}

describe('adversarialTraining', () => {
  test('is the loss at the perturbation found, in place of the nominal loss', () => {
    const context = contextOf(network, batch, epsilon);
    const regularizer = adversarialTraining({ maximizer });
    expect(regularizer.nominalWeight).toBe(0);
    const { found, values } = penaltyOf(regularizer, context);
    const { lossPerturbed, loss } = localLinearity({
      ...batch,
      logits: network,
      perturbation: found.perturbation,
    });
    values.forEach((value, row) => {
      expect(value).toBeCloseTo(lossPerturbed.dataSync()[row]!, 5);
      expect(value).toBeGreaterThan(loss.dataSync()[row]!);
    });
    expect(Array.from(context.reported.get('adversarial loss')!.dataSync())).toEqual(values);
  });

  test('is the nominal loss at ε = 0', () => {
    const context = contextOf(network, batch, 0);
    const { values } = penaltyOf(adversarialTraining({ maximizer }), context);
    values.forEach((value, row) => {
      expect(value).toBeCloseTo(context.nominal.loss.dataSync()[row]!, 5);
    });
  });

  test("runs the network with the batch's own statistics, as its authors do", () => {
    const context = contextOf(network, batch, epsilon);
    penaltyOf(adversarialTraining({ maximizer }), context);
    expect(new Set(context.uses)).toEqual(new Set(['batch']));
  });
});

test('what is found and the penalty belong to the example, whatever else is in the batch', () => {
  const all: Regularizer<{ perturbation: Tensor4D }>[] = [
    llr({ lambda: 4, mu: 3, maximizer }),
    adversarialTraining({ maximizer }),
  ];
  for (const regularizer of all) {
    const together = penaltyOf(regularizer, contextOf(network, batch, epsilon)).values;
    [...batch.indices].forEach((index, row) => {
      const alone = penaltyOf(regularizer, contextOf(network, batchOf([index]), epsilon)).values;
      expect(alone[0]).toBeCloseTo(together[row]!, 3);
    });
  }
});

test('searches leave no tensor behind but what they found', () => {
  const context = contextOf(network, batch, epsilon);
  for (const regularizer of [
    llr({ lambda: 1, mu: 1, maximizer }),
    adversarialTraining({ maximizer }),
  ]) {
    const before = memory().numTensors;
    const found = tidy(() => regularizer.search!(context));
    expect(memory().numTensors).toBe(before + 1);
    found.perturbation.dispose();
  }
});
