import {
  add,
  concat,
  mul,
  split,
  square,
  sub,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { Regularizer } from '../contracts/regularizer.ts';
import { overImages } from '../per-example.ts';
import { assertWeights } from './assert-weights.ts';

export interface ElleOptions {
  /** λ, the weight of the squared error. Its authors' scripts for CIFAR-10: 1000 up to ε = 8/255, 5000 to 20/255, then 10,000. */
  lambda: number;
}

/** Two perturbations `[b, h, w, c]` and the share `[b]` of the second in the point between them. */
type Found = { a: Tensor4D; b: Tensor4D; alpha: Tensor1D };

/**
 * Efficient local linearity enforcement, ELLE (Abad Rocamora et al. 2024):
 * λ·(ℓ(x_c) − (1 − α)ℓ(x_a) − αℓ(x_b))², with x_a and x_b uniform in the threat model around x,
 * α uniform in [0, 1) and x_c = (1 − α)x_a + αx_b. It needs no gradient in the images, so nothing is
 * differentiated twice. A term to be used beside `adversarialTraining` with one sign step, whose weight
 * of the nominal loss it leaves alone.
 *
 * As in the authors' code, the three images of each example go through the network in one batch, whose own
 * statistics batch norm uses. It differs in that x_a and x_b stay in the pixel box. The adaptive λ of their
 * ELLE-A is not here.
 *
 * @throws RangeError when λ is negative or not a finite number
 */
export function elle({ lambda }: ElleOptions): Regularizer<Found> {
  assertWeights('elle', { lambda });
  return {
    name: 'elle',
    settings: { lambda },
    search: ({ images, indices, random, threat }) => ({
      a: threat.start(images, random.fork('elle', 'a')),
      b: threat.start(images, random.fork('elle', 'b')),
      alpha: random.fork('elle', 'alpha').uniform([indices.length]) as Tensor1D,
    }),
    penalty: (context, { a, b, alpha }): Tensor1D => {
      const { images, labels } = context;
      const share = overImages(alpha);
      const between = add(mul(sub(1, share), a), mul(share, b)) as Tensor4D;
      const triplets = concat([add(images, a), add(images, b), add(images, between)]) as Tensor4D;
      const { logits } = context.forward(triplets, 'batch');
      const losses = context.loss(logits, concat([labels, labels, labels]));
      const [lossA, lossB, lossBetween] = split(losses, 3) as [Tensor1D, Tensor1D, Tensor1D];
      const interpolated = add(mul(sub(1, alpha), lossA), mul(alpha, lossB));
      const error: Tensor1D = square(sub(lossBetween, interpolated));
      context.report('squared interpolation error', error);
      return mul(lambda, error);
    },
  };
}
