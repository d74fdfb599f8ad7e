import { installHigherOrderGradients, stopGradient } from '@llr/engine';
import {
  abs,
  add,
  grads,
  mul,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tidy,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  cure,
  dotPerExample,
  linfBall,
  llr,
  projectedAscent,
  type Regularizer,
  trades,
} from '../src/index.ts';
import { batchOf, imagesOf, numbers, perExample, pixels } from './networks.ts';
import {
  contextOf,
  forward64,
  gradients64,
  losses64,
  names,
  type Parameters,
  type Parameters64,
  tensorsOf,
  weights,
} from './regularizers-network.ts';

/**
 * Public implementations of the regularisers that compute something else. Each is written here by its own,
 * wrong formula; ours must agree with the right one and stay clear of it.
 */

const batch = batchOf([3, 1, 4, 15]);
const images = perExample(batch.images);
const labels = Array.from(batch.labels.dataSync());
const epsilon = 0.3;
const perturbation = imagesOf(numbers(71, 4 * pixels, -epsilon, epsilon));
const delta = perExample(perturbation);
const dot = (a: number[], b: number[]) => a.reduce((total, x, i) => total + x * b[i]!, 0);
const average = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** ℓ(x), ℓ(x + δ), ∇ₓℓ(x) at the statistics of the nominal pass, in float64. */
function exactParts() {
  const { recorded } = forward64(weights, images, 'batch', true);
  const perturbed = images.map((image, i) => image.map((x, j) => x + delta[i]![j]!));
  return {
    loss: losses64(weights, images, labels, recorded, true),
    lossPerturbed: losses64(weights, perturbed, labels, recorded, true),
    slopes: gradients64(weights, images, labels, recorded, true),
  };
}

const penaltyOf = <F extends Record<string, Tensor>>(regularizer: Regularizer<F>, found: F) =>
  tidy(() =>
    Array.from(
      regularizer.penalty(contextOf(tensorsOf(weights), batch, epsilon), found).dataSync(),
    ),
  );

const largestDifference = (a: number[], b: number[]) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

describe('g of LLR', () => {
  const ours = () => penaltyOf(llr({ lambda: 1, mu: 0 }), { perturbation });
  let parts: ReturnType<typeof exactParts>;
  beforeAll(() => {
    parts = exactParts();
  });
  const g = (linear: (i: number) => number) =>
    parts.loss.map((value, i) => Math.abs(parts.lossPerturbed[i]! - value - linear(i)));

  it('is |ℓ(x + δ) − ℓ(x) − δᵀ∇ₓℓ(x)|', () => {
    const right = g((i) => dot(delta[i]!, parts.slopes[i]!));
    expect(largestDifference(ours(), right)).toBeLessThan(1e-5);
  });

  it('is not without its linear term, as where a gradient is zeroed before it is used', () => {
    expect(
      largestDifference(
        ours(),
        g(() => 0),
      ),
    ).toBeGreaterThan(0.05);
  });

  it('is not without ℓ(x)', () => {
    const dropped = parts.lossPerturbed.map((value, i) =>
      Math.abs(value - dot(delta[i]!, parts.slopes[i]!)),
    );
    expect(largestDifference(ours(), dropped)).toBeGreaterThan(0.05);
  });

  it("does not mix one example's perturbation with another's gradient", () => {
    const mixed = g((i) => average(parts.slopes.map((slope) => dot(delta[i]!, slope))));
    expect(largestDifference(ours(), mixed)).toBeGreaterThan(0.05);
  });

  it('does not take the gradient of the mean loss, 1/b too small', () => {
    const small = g((i) => dot(delta[i]!, parts.slopes[i]!) / 4);
    expect(largestDifference(ours(), small)).toBeGreaterThan(0.05);
  });

  it('is not the squared error', () => {
    const squared = g((i) => dot(delta[i]!, parts.slopes[i]!)).map((value) => value ** 2);
    expect(largestDifference(ours(), squared)).toBeGreaterThan(0.05);
  });

  it('is taken at the δ that maximises it, not at a random one', () => {
    const context = contextOf(tensorsOf(weights), batch, epsilon);
    const regularizer = llr({
      lambda: 1,
      mu: 0,
      maximizer: projectedAscent({ stepSize: 0.1, steps: 20, keep: 'best' }),
    });
    const found = penaltyOf(regularizer, regularizer.search!(context));
    const random = penaltyOf(regularizer, {
      perturbation: linfBall(epsilon).start(batch.images, context.random),
    });
    expect(average(found)).toBeGreaterThan(2 * average(random));
  });
});

it("LLR's parameters feel ∇ₓℓ(x): holding it constant gives another gradient", () => {
  installHigherOrderGradients();
  const gradientOf = (penalty: (parameters: Parameters) => Tensor1D) =>
    tidy(() => {
      const parameters = tensorsOf(weights);
      return grads((...moved: Tensor[]) =>
        sum(penalty(Object.fromEntries(names.map((n, i) => [n, moved[i]!])) as Parameters)),
      )(names.map((name) => parameters[name])).flatMap((gradient) => [...gradient.dataSync()]);
    });
  const ours = gradientOf((parameters) =>
    llr({ lambda: 4, mu: 3 }).penalty(contextOf(parameters, batch, epsilon), { perturbation }),
  );
  const constant = gradientOf((parameters) => {
    const { nominal, ...context } = contextOf(parameters, batch, epsilon);
    const linear = dotPerExample(perturbation, stopGradient(nominal.inputGradient));
    const { logits } = context.forward(add(context.images, perturbation), nominal.recorded);
    const error = abs(sub(sub(context.loss(logits, context.labels), nominal.loss), linear));
    return add(mul(4, error), mul(3, abs(linear)));
  });
  const gap = Math.hypot(...ours.map((value, i) => value - constant[i]!));
  expect(gap / Math.hypot(...ours)).toBeGreaterThan(0.1);
});

it('CURE does not take gradients of the mean loss, 1/b too small', () => {
  const shift = imagesOf(numbers(73, 4 * pixels, -0.2, 0.2));
  const moved = perExample(shift).map((z, i) => z.map((by, j) => images[i]![j]! + by));
  const right = differences(weights, moved).map((change) => Math.hypot(...change));
  const ours = penaltyOf(cure({ lambda: 1, h: 1 }), { perturbation: shift });
  expect(largestDifference(ours, right)).toBeLessThan(1e-4);
  expect(Math.min(...right)).toBeGreaterThan(0.05);
});

const differences = (p: Parameters64, moved: number[][]) => {
  const there = gradients64(p, moved, labels, 'running', true);
  const here = gradients64(p, images, labels, 'running', true);
  return there.map((slope, i) => slope.map((s, j) => s - here[i]![j]!));
};

it('TRADES sums the divergence over the classes and takes the clean prediction as p', () => {
  const [clean, adversarial] = [
    images,
    images.map((image, i) => image.map((x, j) => x + delta[i]![j]!)),
  ]
    .map((at) => forward64(weights, at, 'batch', true).logits)
    .map((logits) =>
      logits.map((z) => {
        const total = z.reduce((t, value) => t + Math.exp(value), 0);
        return z.map((value) => Math.exp(value) / total);
      }),
    ) as [number[][], number[][]];
  const kl = (p: number[][], q: number[][]) =>
    p.map((row, i) => row.reduce((t, pk, k) => t + pk * Math.log(pk / q[i]![k]!), 0));
  const ours = penaltyOf(trades({ beta: 1 }), { perturbation });
  expect(largestDifference(ours, kl(clean, adversarial))).toBeLessThan(1e-5);
  expect(largestDifference(ours, kl(adversarial, clean))).toBeGreaterThan(0.01);
  const meanOverClasses = kl(clean, adversarial).map((value) => value / 4);
  expect(largestDifference(ours, meanOverClasses)).toBeGreaterThan(0.02);
});
