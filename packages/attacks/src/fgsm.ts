import { inRadii, lossObjective, type Objective, type SimpleAttack, steepest } from '@llr/core';
import { zerosLike } from '@tensorflow/tfjs-core';
import { ascentAttack } from './ascent-attack.ts';

export interface FgsmOptions {
  /** Default 1, the classic attack; 20 is the paper's FGSM-20 (F.1). */
  steps?: number;
  /** In units of ε, whatever ε is. Default 1 for a single step, 0.1 for more (F.1). */
  stepSize?: number;
  /** Default cross-entropy. */
  objective?: Objective;
  /** Default `fgsm`, or `fgsm-20` for 20 steps. */
  name?: string;
}

/**
 * The fast gradient sign method (Goodfellow et al. 2014) and its iteration (Kurakin et al. 2016): steps along the threat
 * model's steepest direction, which is the sign of the gradient in an ℓ∞ ball and the gradient over its norm in an ℓ2 ball
 * (there also called the fast gradient method), from the image itself. One run; no random numbers.
 *
 * @throws RangeError when `steps` is not a whole number above 0, or `stepSize` not a positive number
 */
export function fgsm(options: FgsmOptions = {}): SimpleAttack {
  const { steps = 1, stepSize = steps === 1 ? 1 : 0.1, objective = lossObjective() } = options;
  return ascentAttack({
    name: options.name ?? (steps === 1 ? 'fgsm' : `fgsm-${steps}`),
    objective,
    ascent: { optimizer: inRadii(steepest()), stepSize, steps },
    restarts: 1,
    runs: () => [{ name: 'from the image', restart: 0 }],
    start: ({ start, images }) => start ?? zerosLike(images),
  });
}
