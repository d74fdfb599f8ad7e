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
import type { Linearization, PerExampleLoss } from './contracts/regularizer.ts';
import type { ThreatModel } from './contracts/threat-model.ts';
import { crossEntropy } from './losses/cross-entropy.ts';
import { assertLabels, type Labels } from './losses/labels.ts';
import { squaredError } from './losses/squared-error.ts';
import { dotPerExample } from './per-example.ts';
import { randomSource } from './random-source.ts';
import { assertSameShape } from './same-shape.ts';

/** ℓ(x), ℓ(x+δ), δᵀ∇ₓℓ(x) and g(δ; x) = |ℓ(x+δ) − ℓ(x) − δᵀ∇ₓℓ(x)| (Eq. 5), each `[b]`. */
export interface LocalLinearity {
  loss: Tensor1D;
  lossPerturbed: Tensor1D;
  directional: Tensor1D;
  error: Tensor1D;
}

/** The linear model of the loss around each image, from one forward and one backward pass. */
export function linearize<L extends Labels>(
  logits: (images: Tensor4D) => Tensor2D,
  images: Tensor4D,
  labels: L,
  loss: (logits: Tensor2D, labels: L) => Tensor1D = crossEntropy,
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
 * How well the loss is approximated by its linearisation, for given perturbations (Sec. 4, Eq. 5), from two
 * forward passes and one backward pass.
 *
 * ∇ₓℓ(x) is the gradient of the losses' sum: where a network computes statistics of the batch from its images,
 * it goes through them, and examples couple; where they were computed before, they are constants.
 *
 * @param input.logits - the network: any differentiable function from images `[b, h, w, c]` to logits
 *   `[b, classes]`
 * @param input.labels - `[b]`, int32, or one-hot or soft rows `[b, classes]`, if the loss takes them
 * @param input.perturbation - δ, `[b, h, w, c]`
 * @param input.loss - per example; default cross-entropy
 * @returns tensors the caller owns; differentiable in whatever `logits` depends on
 * @throws RangeError for labels that aren't of the network's classes, and a δ not shaped like the images. To
 *   check labels, it reads their values: a compiled function uses `linearize` and `linearityError`
 */
export function localLinearity<L extends Labels>(input: {
  logits: (images: Tensor4D) => Tensor2D;
  images: Tensor4D;
  labels: L;
  perturbation: Tensor4D;
  loss?: (logits: Tensor2D, labels: L) => Tensor1D;
}): LocalLinearity {
  const { logits, images, labels, perturbation, loss = crossEntropy } = input;
  assertSameShape('perturbation', perturbation, 'the images', images);
  return tidy(() => {
    const around = linearize(logits, images, labels, checkingLabels(loss));
    const lossPerturbed = loss(logits(add(images, perturbation)), labels);
    return { ...linearityError(around, lossPerturbed, perturbation) };
  });
}

/** A loss that refuses labels which aren't of these classes, before it uses them. */
const checkingLabels =
  <L extends Labels>(loss: (logits: Tensor2D, labels: L) => Tensor1D) =>
  (logits: Tensor2D, labels: L): Tensor1D => {
    // The targets of a squared error may be any numbers.
    const anyTargets = labels.rank === 2 && (loss as unknown) === squaredError;
    if (!anyTargets) assertLabels(labels, logits.shape[1]);
    return loss(logits, labels);
  };

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
 * @param input.labels - `[b]`, int32
 * @param input.maximizer - default 50 Adam steps of 0.1, as in Fig. F3, keeping the largest g seen, the start's
 *   included
 * @param input.random - bound to these examples; default seed 0, numbered by row
 * @param input.variant - which gradient the search follows; default `'paper'`
 * @returns γ `[b]` and the δ `[b, h, w, c]` that attains it, both the caller's
 * @throws RangeError for labels that aren't of the network's classes
 */
export function maximizeLocalLinearity(input: {
  logits: (images: Tensor4D) => Tensor2D;
  images: Tensor4D;
  labels: Tensor1D;
  threat: ThreatModel;
  maximizer?: Maximizer;
  random?: RandomSource;
  loss?: PerExampleLoss;
  variant?: LinearityVariant;
}): { gamma: Tensor1D; perturbation: Tensor4D } {
  const { logits, images, labels, threat, loss = crossEntropy, variant = 'paper' } = input;
  const indices = Int32Array.from({ length: images.shape[0] }, (_, row) => row);
  const random = input.random ?? randomSource(0).fork('local-linearity').forExamples(indices);
  const maximizer =
    input.maximizer ??
    projectedAscent({ optimizer: adam(), stepSize: 0.1, steps: 50, keep: 'best' });
  const problem = { images, labels, indices, logits, threat, random };
  return tidy(() => {
    const around = linearize(logits, images, labels, checkingLabels(loss));
    const objective = localLinearityObjective({ loss, variant, around });
    const { value, perturbation } = maximizer.maximize(problem, objective);
    return { gamma: value, perturbation };
  });
}
