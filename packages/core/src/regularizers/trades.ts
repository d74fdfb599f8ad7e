import { add, mul, type Tensor1D, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core';
import { projectedAscent } from '../ascent/projected-ascent.ts';
import { sign } from '../ascent/sign.ts';
import { type Maximizer, perturbationOf } from '../contracts/maximizer.ts';
import type { Objective } from '../contracts/objective.ts';
import type { Regularizer, TrainContext } from '../contracts/regularizer.ts';
import { klDivergence } from '../losses/kl-divergence.ts';
import { assertWeights } from './assert-weights.ts';
import { problemOf } from './problem-of.ts';

export interface TradesOptions {
  /** β, the weight of the divergence. The authors' 6 on CIFAR-10; 1/λ in their paper. */
  beta: number;
  /** Default 10 sign steps of 0.007. Whichever it is, it starts at the noise described below. */
  maximizer?: Maximizer;
}

/**
 * TRADES (Zhang et al. 2019): ℓ(x) + β·KL(p(x) ‖ p(x + δ)), δ maximising the divergence. The batch
 * mean of the divergence, a sum over classes, is their `batchmean`.
 *
 * As in their code, which trains CIFAR-10 with ε = 0.031 and β = 6: the search starts at
 * 0.001·N(0, 1), because the divergence has no gradient at δ = 0, and sees the running statistics of
 * batch norm; of the penalty, p(x) uses the statistics of the nominal batch, p(x + δ) those of the
 * adversarial one, and gradients flow through both.
 *
 * In two things it differs: the start is projected onto the threat model, so that every image seen is an
 * allowed one, and running statistics follow the nominal batch alone, where theirs follow both.
 *
 * @throws RangeError when β is negative or not a finite number
 */
export function trades(options: TradesOptions): Regularizer<{ perturbation: Tensor4D }> {
  const { beta, maximizer = projectedAscent({ optimizer: sign(), stepSize: 0.007, steps: 10 }) } =
    options;
  assertWeights('trades', { beta });
  return {
    name: 'trades',
    settings: { beta, maximizer: maximizer.name },
    nominalWeight: 1,
    search: (context) => {
      const problem = { ...problemOf(context, 'running'), start: startNear(context) };
      return { perturbation: perturbationOf(maximizer, problem, divergenceFromClean) };
    },
    penalty: (context, { perturbation }): Tensor1D => {
      const { logits } = context.forward(add(context.images, perturbation), 'batch');
      const divergence = klDivergence(context.nominal.logits, logits);
      context.report('divergence', divergence);
      return mul(beta, divergence);
    },
  };
}

/** KL(p(x) ‖ p(x + δ)), p(x) held constant. */
const divergenceFromClean: Objective<{ clean: Tensor2D }> = {
  name: 'divergence',
  prepare: ({ logits, images }) => ({ clean: logits(images) }),
  value: ({ logits, state }) => klDivergence(state.clean, logits),
};

function startNear({ images, threat, random }: TrainContext): Tensor4D {
  const noise = random.fork('trades', 'start').normal(images.shape) as Tensor4D;
  return threat.project(mul(0.001, noise), images);
}
