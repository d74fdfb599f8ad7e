import { inputGradient, stopGradient } from '@llr/engine';
import {
  abs,
  add,
  type NamedTensorMap,
  sub,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { adam } from './ascent/adam.ts';
import { projectedAscent } from './ascent/projected-ascent.ts';
import type { Maximizer } from './contracts/maximizer.ts';
import type { Objective } from './contracts/objective.ts';
import type { RandomSource } from './contracts/random-source.ts';
import type { PerExampleLoss } from './contracts/regularizer.ts';
import type { ThreatModel } from './contracts/threat-model.ts';
import { crossEntropy } from './losses/cross-entropy.ts';
import { dotPerExample } from './per-example.ts';
import { randomSource } from './random-source.ts';

/** ℓ(x), ℓ(x+δ), δᵀ∇ₓℓ(x) and g(δ; x) = |ℓ(x+δ) − ℓ(x) − δᵀ∇ₓℓ(x)| (Eq. 5), each `[b]`. */
export interface LocalLinearity {
  loss: Tensor1D;
  lossPerturbed: Tensor1D;
  directional: Tensor1D;
  error: Tensor1D;
}

/** ℓ(x) `[b]` and ∇ₓℓ(x) `[b, h, w, c]`: the linear model of the loss around x. */
export interface Linearization {
  loss: Tensor1D;
  inputGradient: Tensor4D;
}

/** The linear model of the loss around each image, from one forward and one backward pass. */
export function linearize(
  logits: (images: Tensor4D) => Tensor2D,
  images: Tensor4D,
  labels: Tensor1D,
  loss: PerExampleLoss = crossEntropy,
): Linearization {
  return tidy(() => {
    const { value, gradient } = inputGradient<Tensor4D>(
      (at) => ({ value: loss(logits(at), labels) }),
      images,
    );
    return { loss: value as Tensor1D, inputGradient: gradient };
  });
}

/** How far the loss at x + δ is from the linear model at x; everything stays differentiable. */
export function linearityError(
  around: Linearization,
  lossPerturbed: Tensor1D,
  perturbation: Tensor4D,
): LocalLinearity {
  const directional = dotPerExample(perturbation, around.inputGradient);
  const error = tidy((): Tensor1D => abs(sub(sub(lossPerturbed, around.loss), directional)));
  return { loss: around.loss, lossPerturbed, directional, error };
}

/**
 * How well the loss is approximated by its linearisation, for given perturbations (Sec. 4, Eq. 5).
 *
 * @param input.logits - the network: images `[b, h, w, c]` to logits `[b, classes]`
 * @param input.labels - `[b]`, int32
 * @param input.perturbation - δ, `[b, h, w, c]`
 * @param input.loss - per example; default cross-entropy
 * @returns tensors the caller owns; differentiable in whatever `logits` depends on
 */
export function localLinearity(input: {
  logits: (images: Tensor4D) => Tensor2D;
  images: Tensor4D;
  labels: Tensor1D;
  perturbation: Tensor4D;
  loss?: PerExampleLoss;
}): LocalLinearity {
  const { logits, images, labels, perturbation, loss = crossEntropy } = input;
  return tidy(() => {
    const around = linearize(logits, images, labels, loss);
    const lossPerturbed = loss(logits(add(images, perturbation)), labels);
    return { ...linearityError(around, lossPerturbed, perturbation) };
  });
}

/**
 * Which gradient the search for δ_LLR follows: of all of g, as in the paper's Algorithm 1, or with δ held
 * constant in the linear term, as in DeepMind's released code.
 */
export type LinearityVariant = 'paper' | 'deepmind';

interface LinearityState extends NamedTensorMap {
  loss: Tensor1D;
  inputGradient: Tensor4D;
}

/**
 * The objective g(δ; x), whose maximum over the threat model is γ(ε, x) and whose maximiser is δ_LLR.
 * ℓ(x) and ∇ₓℓ(x) are constant during the ascent.
 *
 * @param options.around - the linearisation at x, where the caller has it already
 */
export function localLinearityObjective(
  options: { loss?: PerExampleLoss; variant?: LinearityVariant; around?: Linearization } = {},
): Objective<LinearityState> {
  const { loss = crossEntropy, variant = 'paper', around } = options;
  return {
    name: 'local-linearity',
    prepare: ({ logits, images, labels }) => ({
      ...(around ?? linearize(logits, images, labels, loss)),
    }),
    value: ({ logits, perturbation, labels, state }) => {
      const lossPerturbed = loss(logits, labels);
      const inLinearTerm = variant === 'paper' ? perturbation : stopGradient(perturbation);
      return linearityError(state, lossPerturbed, inLinearTerm).error;
    },
  };
}

/**
 * The local linearity measure γ(ε, x) = max g(δ; x) over the threat model (Sec. 4), as large as a search
 * finds it: a lower bound of the true maximum.
 *
 * @param input.maximizer - default 50 Adam steps of 0.1, as in Fig. F3, keeping the largest g seen
 * @param input.random - bound to these examples; default seed 0, numbered by row
 * @returns γ `[b]` and the δ `[b, h, w, c]` that attains it, both the caller's
 */
export function maximizeLocalLinearity(input: {
  logits: (images: Tensor4D) => Tensor2D;
  images: Tensor4D;
  labels: Tensor1D;
  threat: ThreatModel;
  maximizer?: Maximizer;
  random?: RandomSource;
  loss?: PerExampleLoss;
}): { gamma: Tensor1D; perturbation: Tensor4D } {
  const { logits, images, labels, threat, loss = crossEntropy } = input;
  const indices = Int32Array.from({ length: images.shape[0] }, (_, row) => row);
  const random = input.random ?? randomSource(0).fork('local-linearity').forExamples(indices);
  const maximizer =
    input.maximizer ??
    projectedAscent({ optimizer: adam(), stepSize: 0.1, steps: 50, keep: 'best' });
  const problem = { images, labels, indices, logits, threat, random };
  const found = maximizer.maximize(problem, localLinearityObjective({ loss }));
  return { gamma: found.value, perturbation: found.perturbation };
}
