import {
  add,
  cast,
  div,
  equal,
  mul,
  sign,
  sqrt,
  sub,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { Regularizer } from '../contracts/regularizer.ts';
import { dotPerExample, overImages } from '../per-example.ts';
import { assertWeights } from './assert-weights.ts';
import { lossGradient } from './loss-gradient.ts';

export interface CureOptions {
  /** λ, the weight of the gradient's change. */
  lambda: number;
  /** h, how far away the second gradient is taken: an ℓ2 distance in pixel units. */
  h: number;
  /** Whether the norm is squared, as in the paper, or not, as in its authors' code. Default false. */
  squared?: boolean;
}

/**
 * Curvature regularisation, CURE (Moosavi-Dezfooli et al. 2019): λ·‖∇ₓℓ(x + z) − ∇ₓℓ(x)‖₂ with
 * z = h·sign(∇ₓℓ(x)) / ‖sign(∇ₓℓ(x))‖₂. As the authors do, every pass of it uses the running statistics of
 * batch norm, z is constant for the parameters and not clipped to the pixel box, and ε plays no part.
 *
 * The paper squares the norm; the code that its authors released doesn't, and neither does the default here.
 * Their λ = 4 and h = 3 don't carry over as they are: they take gradients at images that are already divided
 * by the data's standard deviation σ. In pixel units λ is 4σ and h is 3σ. (Their loss is a mean over b images,
 * but its gradient is seeded with b ones, which the PyTorch of the time summed to b.) Where ∇ₓℓ(x) is 0, z is
 * 0 and so is the penalty.
 *
 * @throws RangeError when λ or h is negative or not a finite number
 */
export function cure(options: CureOptions): Regularizer<{ perturbation: Tensor4D }> {
  const { lambda, h, squared = false } = options;
  assertWeights('cure', { lambda, h });
  return {
    name: 'cure',
    settings: { lambda, h, squared },
    nominalWeight: 1,
    search: (context) => {
      const signs = sign(context.linearization('running').inputGradient);
      return { perturbation: mul(h, unit(signs)) };
    },
    penalty: (context, { perturbation }): Tensor1D => {
      const { images } = context;
      const there = lossGradient(context, add(images, perturbation), 'running');
      const change: Tensor4D = sub(there, context.linearization('running').inputGradient);
      const size = squared ? dotPerExample(change, change) : norm(change);
      context.report('gradient change', size);
      return mul(lambda, size);
    },
  };
}

/** Signs over their ℓ2 norm, which is 0 or at least 1. */
function unit(signs: Tensor4D): Tensor4D {
  const length = sqrt(dotPerExample(signs, signs));
  return div(signs, overImages(add(length, 1e-12)));
}

/** The ℓ2 norm of each example, `[b]`. Where it is 0, so is its gradient, which would else be 0 / 0. */
function norm(x: Tensor4D): Tensor1D {
  const square = dotPerExample(x, x);
  const isZero = cast(equal(square, 0), 'float32');
  return sub(sqrt(add(square, isZero)), isZero);
}
