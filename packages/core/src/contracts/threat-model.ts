import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { RandomSource } from './random-source.ts';

/** The perturbations an adversary may add: a ball of some radius, met with the pixel box [0, 1]. */
export interface ThreatModel {
  readonly name: string;
  /** ε in pixel units (`8 / 255`): `[1]`, or one per example `[b]`. A tensor, so that it may change from step to step. */
  readonly radius: Tensor1D;
  /** A random allowed perturbation `[b, h, w, c]`. */
  start(images: Tensor4D, random: RandomSource): Tensor4D;
  /** An allowed perturbation: onto the ball, then into the box, stored as the difference. For ℓ∞ the nearest one. */
  project(perturbation: Tensor4D, images: Tensor4D): Tensor4D;
  /**
   * The direction of norm 1 along which a function with this gradient grows fastest, per example: the sign of the
   * gradient for ℓ∞, the gradient over its norm for ℓ2; 0 where the gradient is 0.
   */
  steepest(gradient: Tensor4D): Tensor4D;
  /** The norm of each perturbation, `[b]`. */
  size(perturbation: Tensor4D): Tensor1D;
  /**
   * This ball with another radius. Compiled functions take the radius as an argument; where this is left out, what
   * uses the threat model runs eagerly. Not enumerable in core's, so that a copy with other methods
   * (`{ ...linfBall(ε), project }`) doesn't inherit it.
   */
  withRadius?(radius: Tensor1D): ThreatModel;
}
