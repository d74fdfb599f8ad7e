import {
  mul,
  square,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { type LocalLinearity, localLinearity } from '../local-linearity.ts';
import { crossEntropy } from '../losses/cross-entropy.ts';
import type { Labels } from '../losses/labels.ts';
import type { ConvexLoss } from './generalized-gauss-newton.ts';
import { hessianFactorOf } from './hessian-factor.ts';
import { jacobianVectorProduct } from './jacobian-vector-product.ts';

/** Where the loss is modelled, and along what. */
export interface QuadraticModelInput {
  /**
   * The network: images `[b, h, w, c]` to logits `[b, classes]`. One example's logits must not depend on
   * another's image (statistics are frozen).
   */
  logits: (images: Tensor4D) => Tensor2D;
  images: Tensor4D;
  /** Integers `[b]`, int32, or one-hot or soft rows `[b, classes]`. */
  labels: Labels;
  /** δ, `[b, h, w, c]`. */
  perturbation: Tensor4D;
  /** `crossEntropy` (the default) or `squaredError`. */
  loss?: ConvexLoss;
}

/** The local quadratic model of the loss (C1) along δ: what its linear model gives, and its curvature. */
export interface QuadraticModel extends LocalLinearity {
  /** z = f(x), `[b, classes]`. */
  logits: Tensor2D;
  /** Δz = Jδ, `[b, classes]`: what δ changes in z, to first order. */
  logitChange: Tensor2D;
  /** δᵀG(x)δ ≥ 0, `[b]`. */
  curvature: Tensor1D;
  /** ε(δ), what the quadratic model leaves unexplained, `[b]`. */
  modelError: Tensor1D;
}

/**
 * Every term of ℓ(x+δ) = ℓ(x) + δᵀ∇ₓℓ(x) + ½δᵀG(x)δ + ε(δ) (C1), and g. By (C2), ½δᵀGδ ≤ g + |ε|.
 *
 * g and ε(δ) are differences of losses: in float32 they are exact to about 1e-6 of the largest term they are
 * made of, not of themselves, and no better than to 1e-6 of the logits: a loss below that is rounding.
 *
 * @returns tensors the caller owns
 * @throws as `localLinearity` and `ggnQuadratic`
 */
export function quadraticModel(input: QuadraticModelInput): QuadraticModel {
  const { logits, images, perturbation, loss = crossEntropy } = input;
  const factor = hessianFactorOf(loss);
  return tidy(() => {
    const linear = localLinearity({ ...input, loss });
    const { value, product } = jacobianVectorProduct(logits, images, perturbation);
    const curvature: Tensor1D = sum(square(factor(value, product)), 1);
    const residual = sub(sub(linear.lossPerturbed, linear.loss), linear.directional);
    const modelError: Tensor1D = sub(residual, mul(0.5, curvature));
    return { ...linear, logits: value, logitChange: product, curvature, modelError };
  });
}

/**
 * ε(δ) = ℓ(x+δ) − ℓ(x) − δᵀ∇ₓℓ(x) − ½δᵀG(x)δ, the error of the local quadratic model (C1), `[b]`: signed, and
 * 0 where the loss is what its Generalized Gauss-Newton matrix says (squared error of an affine network).
 *
 * @throws as `quadraticModel`
 */
export function quadraticModelError(input: QuadraticModelInput): Tensor1D {
  return tidy(() => quadraticModel(input).modelError);
}
