import {
  matMul,
  mul,
  reshape,
  softplus,
  type Tensor,
  type Tensor4D,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { classes, imagesOf, type Logits, numbers, perExample, pixels } from './networks.ts';

export const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((total, x, i) => total + x * b[i]!, 0);
const plus = (a: readonly number[], b: readonly number[]) => a.map((x, i) => x + b[i]!);
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Logits = gain · W₂ᵀ softplus(W₁ᵀx): as a tfjs function, and with its Jacobian written out in float64. */
export function twoLayers(seed: number, gain = 1, hidden = 5) {
  const first = numbers(seed, pixels * hidden, -2, 2);
  const second = numbers(seed + 1, hidden * classes, -2, 2);
  const logits: Logits = (images) =>
    tidy(() => {
      const a = tensor2d(first, [pixels, hidden]);
      const b = tensor2d(second, [hidden, classes]);
      return mul(gain, matMul(softplus(matMul(reshape(images, [-1, pixels]), a)), b));
    });
  const inner = (x: readonly number[]) =>
    range(hidden).map((j) => x.reduce((h, xi, i) => h + xi * first[i * hidden + j]!, 0));
  const exact = (x: readonly number[]): number[] => {
    const active = inner(x).map((h) => Math.max(h, 0) + Math.log1p(Math.exp(-Math.abs(h))));
    return range(classes).map(
      (k) => gain * active.reduce((z, a, j) => z + a * second[j * classes + k]!, 0),
    );
  };
  /** J, `[classes][pixels]`. */
  const jacobian = (x: readonly number[]): number[][] => {
    const slopes = inner(x).map((h) => 1 / (1 + Math.exp(-h)));
    return range(classes).map((k) =>
      range(pixels).map(
        (i) =>
          gain *
          slopes.reduce(
            (s, slope, j) => s + first[i * hidden + j]! * slope * second[j * classes + k]!,
            0,
          ),
      ),
    );
  };
  return { logits, exact, jacobian };
}
export type TwoLayers = ReturnType<typeof twoLayers>;

export function exactLogSoftmax(z: readonly number[]): number[] {
  const largest = Math.max(...z);
  const log = largest + Math.log(z.reduce((total, at) => total + Math.exp(at - largest), 0));
  return z.map((at) => at - log);
}

/** A loss of logits and target distribution y in float64, its gradient and its Hessian in the logits. */
export interface ExactLoss {
  value(z: readonly number[], y: readonly number[]): number;
  gradient(z: readonly number[], y: readonly number[]): number[];
  hessian(z: readonly number[]): number[][];
}

export const exactLosses: Record<'crossEntropy' | 'squaredError', ExactLoss> = {
  crossEntropy: {
    // A class of no share counts for nothing, even at −∞.
    value: (z, y) => -exactLogSoftmax(z).reduce((s, l, k) => (y[k] ? s + y[k] * l : s), 0),
    gradient: (z, y) => exactLogSoftmax(z).map((l, k) => Math.exp(l) - y[k]!),
    hessian: (z) => {
      const p = exactLogSoftmax(z).map(Math.exp);
      return p.map((pi, i) => p.map((pj, j) => (i === j ? pi : 0) - pi * pj));
    },
  },
  squaredError: {
    value: (z, y) => z.reduce((s, at, k) => s + (y[k]! - at) ** 2 / 2, 0),
    gradient: (z, y) => z.map((at, k) => at - y[k]!),
    hessian: (z) => z.map((_, i) => z.map((__, j) => (i === j ? 1 : 0))),
  },
};

export const oneHotRow = (label: number) => range(classes).map((k) => (k === label ? 1 : 0));

/** Every term of (C1) for one example, in float64, with J and the Hessian formed. */
export function exactModel(
  loss: ExactLoss,
  network: TwoLayers,
  image: readonly number[],
  y: readonly number[],
  delta: readonly number[],
) {
  const z = network.exact(image);
  const change = network.jacobian(image).map((row) => dot(row, delta));
  const value = loss.value(z, y);
  const perturbed = loss.value(network.exact(plus(image, delta)), y);
  const directional = dot(loss.gradient(z, y), change);
  const curvature = dot(
    change,
    loss.hessian(z).map((row) => dot(row, change)),
  );
  const residual = perturbed - value - directional;
  return {
    logits: z,
    change,
    loss: value,
    lossPerturbed: perturbed,
    directional,
    error: Math.abs(residual),
    curvature,
    modelError: residual - curvature / 2,
    /** What g and ε(δ) are made of. */
    largest: Math.max(Math.abs(value), Math.abs(perturbed), Math.abs(directional), curvature / 2),
  };
}

/** δ within ±epsilon: random, or up the loss at x (the fast gradient sign). */
export function perturbationOf(
  kind: 'random' | 'adversarial',
  seed: number,
  epsilon: number,
  at: { network: TwoLayers; loss: ExactLoss; images: Tensor4D; targets: number[][] },
): Tensor4D {
  if (kind === 'random') return imagesOf(numbers(seed, at.images.size, -epsilon, epsilon));
  const signs = perExample(at.images).flatMap((image, row) => {
    const slope = at.loss.gradient(at.network.exact(image), at.targets[row]!);
    const jacobian = at.network.jacobian(image);
    return image.map(
      (_, i) => epsilon * Math.sign(jacobian.reduce((s, r, k) => s + r[i]! * slope[k]!, 0)),
    );
  });
  return imagesOf(signs);
}

/** The values of tensors by name, after which they are disposed of. */
export function valuesOf<T extends object>(tensors: T): { [Name in keyof T]: number[] } {
  const entries = Object.entries(tensors) as [string, Tensor][];
  const values = entries.map(([name, tensor]) => [name, Array.from(tensor.dataSync())] as const);
  for (const [, tensor] of entries) tensor.dispose();
  return Object.fromEntries(values) as { [Name in keyof T]: number[] };
}
