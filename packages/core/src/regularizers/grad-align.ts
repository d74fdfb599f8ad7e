import {
  add,
  cast,
  div,
  greater,
  mul,
  sqrt,
  sub,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { Regularizer } from '../contracts/regularizer.ts';
import { dotPerExample } from '../per-example.ts';
import { assertWeights } from './assert-weights.ts';
import { lossGradient } from './loss-gradient.ts';

export interface GradAlignOptions {
  /** λ, the weight of the misalignment. The authors' 0.2 for ε = 8/255 on CIFAR-10. */
  lambda: number;
  /** What ∇ₓℓ(x) is for the parameters: a constant, as in the authors' code, or differentiated too, as in the formula of the paper. Default `'constant'`. */
  cleanGradient?: 'constant' | 'differentiated';
}

type Found = { perturbation: Tensor4D } | { perturbation: Tensor4D; inputGradient: Tensor4D };

/**
 * Gradient alignment, GradAlign (Andriushchenko & Flammarion 2020):
 * λ·(1 − cos(∇ₓℓ(x), ∇ₓℓ(x + η))), η uniform in the threat model. A term to be used beside
 * `adversarialTraining` with one sign step (FGSM), whose weight of the nominal loss it leaves alone.
 *
 * As in the authors' code, each of the two passes uses the batch statistics of its own batch, and the input
 * gradient goes through them. An example one of whose gradients is 0 has no angle: its penalty is 0. In two
 * things it differs: such examples still count in the mean over the batch, where theirs is over the others,
 * and x + η stays in the pixel box.
 *
 * @throws RangeError when λ is negative or not a finite number
 */
export function gradAlign(options: GradAlignOptions): Regularizer<Found> {
  const { lambda, cleanGradient = 'constant' } = options;
  assertWeights('gradAlign', { lambda });
  return {
    name: 'grad-align',
    settings: { lambda, cleanGradient },
    search: (context) => {
      const { images, random, threat } = context;
      const perturbation = threat.start(images, random.fork('grad-align'));
      if (cleanGradient === 'differentiated') return { perturbation };
      return { perturbation, inputGradient: lossGradient(context, images, 'batch') };
    },
    penalty: (context, found): Tensor1D => {
      const { images } = context;
      const there = lossGradient(context, add(images, found.perturbation), 'batch');
      const here =
        'inputGradient' in found ? found.inputGradient : lossGradient(context, images, 'batch');
      const { cosine, defined } = angle(here, there);
      context.report('gradient alignment', cosine);
      return mul(lambda, mul(defined, sub(1, cosine)));
    },
  };
}

/** The cosine between two vectors of each example, and 1 where it is defined; 0 and 0 where either vector is 0. */
function angle(a: Tensor4D, b: Tensor4D): { cosine: Tensor1D; defined: Tensor1D } {
  const squaredA = dotPerExample(a, a);
  const squaredB = dotPerExample(b, b);
  const defined = mul(isPositive(squaredA), isPositive(squaredB)) as Tensor1D;
  // 1 in place of a vanishing norm keeps the root's gradient finite there.
  const norms = mul(sqrt(orOne(squaredA)), sqrt(orOne(squaredB)));
  return { cosine: mul(defined, div(dotPerExample(a, b), norms)), defined };
}

/** 1 for positive numbers, and 0 for those too small for a float32 with all its digits. */
const isPositive = (x: Tensor1D): Tensor1D => cast(greater(x, 1.1754944e-38), 'float32');

const orOne = (x: Tensor1D): Tensor1D => add(x, sub(1, isPositive(x)));
