import { assertEpsilon, assertL2Epsilon, l2Ball, linfBall, type ThreatModel } from '@llr/core';
import type { Tensor1D } from '@tensorflow/tfjs-core';

const balls = { linf: linfBall, l2: l2Ball };
const checks = { linf: assertEpsilon, l2: assertL2Epsilon };

/** A threat model as plain data. ε is in pixel units, images being in [0, 1]. */
export interface ThreatDescription {
  norm: keyof typeof balls;
  epsilon: number;
}

/**
 * The ball that a description names; its radius is the caller's to dispose of.
 *
 * @throws RangeError for an ε that can't be meant
 */
export const threatModel = ({ norm, epsilon }: ThreatDescription): ThreatModel =>
  balls[norm](epsilon);

/** The ball of a norm whose radius `[1]` is a tensor, its value checked before. */
export const ballOf = (norm: ThreatDescription['norm'], radius: Tensor1D): ThreatModel =>
  balls[norm](radius);

/** @throws RangeError for an ε that can't be meant; needs no engine */
export const assertThreat = ({ norm, epsilon }: ThreatDescription): void => checks[norm](epsilon);
