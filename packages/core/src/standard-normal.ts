import { cos, log, mul, neg, sqrt, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { RandomSource } from './contracts/random-source.ts';

/**
 * Standard normal numbers by Box & Muller (1958), √(−2 ln u)·cos(2πv), from two uniform draws: like these,
 * a pure function of (seed, purpose, example). With 24 random bits each, none is beyond ±5.8.
 *
 * @param random - bound to the examples of the batch
 * @param shape - its first dimension is the batch
 * @throws when that dimension is not the number of examples the source is bound to
 */
export const standardNormal = (random: RandomSource, shape: readonly number[]): Tensor =>
  tidy(() => {
    // In (0, 1], so that its logarithm is finite.
    const u = sub(1, random.fork('normal', 'radius').uniform(shape));
    const angle = random.fork('normal', 'angle').uniform(shape, 0, 2 * Math.PI);
    return mul(sqrt(mul(2, neg(log(u)))), cos(angle));
  });
