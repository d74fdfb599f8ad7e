import {
  abs,
  add,
  sub,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { localLinearity } from '../local-linearity.ts';
import type { Labels } from '../losses/labels.ts';
import { atLeast, type BoundCheck, compareSides } from './bound-check.ts';

/**
 * Proposition 4.1, proven in B: |ℓ(x+δ) − ℓ(x)| ≤ |δᵀ∇ₓℓ(x)| + γ(ε, x).
 *
 * @param input.gamma - γ(ε, x) as a search found it, `[b]`; where it is below g(δ; x), or left out, g is taken
 * @param input.loss - any, per example; default cross-entropy
 * @returns tensors the caller owns
 * @throws as `localLinearity`
 */
export function checkLossBound<L extends Labels>(input: {
  logits: (images: Tensor4D) => Tensor2D;
  images: Tensor4D;
  labels: L;
  perturbation: Tensor4D;
  gamma?: Tensor1D;
  loss?: (logits: Tensor2D, labels: L) => Tensor1D;
}): BoundCheck {
  return tidy(() => {
    const { loss, lossPerturbed, directional, error } = localLinearity(input);
    const left: Tensor1D = abs(sub(lossPerturbed, loss));
    const right: Tensor1D = add(abs(directional), atLeast(input.gamma, error));
    return { ...compareSides(left, right, [loss, lossPerturbed, directional]) };
  });
}
