import {
  square,
  sum,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { crossEntropy } from '../losses/cross-entropy.ts';
import type { Labels } from '../losses/labels.ts';
import { hessianFactorOf } from './hessian-factor.ts';
import { jacobianVectorProduct } from './jacobian-vector-product.ts';

/** A loss whose Hessian in the logits has a known factor: `crossEntropy` or `squaredError`. */
export type ConvexLoss = (logits: Tensor2D, labels: Labels) => Tensor1D;

/**
 * The curvature δᵀG(x)δ of the loss along δ, where G = JᵀH_νJ is the Generalized Gauss-Newton matrix (C.1) and
 * J the Jacobian of the logits: ‖Cᵀ(Jδ)‖² with H_ν = CCᵀ. Never negative; J, H_ν and G are never formed. It
 * needs no labels, since H_ν doesn't depend on them.
 *
 * Two forward passes: one for f(x), one inside the two reverse passes that give Jδ.
 *
 * @param input.logits - the network, images `[b, h, w, c]` to logits `[b, classes]`; one example's logits must not
 *   depend on another's image (statistics are frozen)
 * @param input.perturbation - δ, `[b, h, w, c]`
 * @param input.loss - `crossEntropy` (the default) or `squaredError`
 * @returns `[b]`, the caller's
 * @throws TypeError for another loss; RangeError when δ isn't shaped like the images
 */
export function ggnQuadratic(input: {
  logits: (images: Tensor4D) => Tensor2D;
  images: Tensor4D;
  perturbation: Tensor4D;
  loss?: ConvexLoss;
}): Tensor1D {
  const { logits, images, perturbation, loss = crossEntropy } = input;
  const factor = hessianFactorOf(loss);
  return tidy(() => {
    const { value, product } = jacobianVectorProduct(logits, images, perturbation);
    return sum(square(factor(value, product)), 1);
  });
}
