import {
  type AscentOptimizer,
  lossObjective,
  type Objective,
  perturbationOf,
  projectedAscent,
  type SimpleAttack,
  sign,
} from '@llr/core';
import { mul, reshape, type Tensor1D, type Tensor4D, zerosLike } from '@tensorflow/tfjs-core';
import { ascent } from './compiled-ascent.ts';

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
 * The fast gradient sign method (Goodfellow et al. 2014) and its iteration (Kurakin et al. 2016): steps along the sign of
 * the gradient, from the image itself. One run; no random numbers.
 *
 * @throws RangeError when `steps` is not a whole number above 0, or `stepSize` not a positive number
 */
export function fgsm(options: FgsmOptions = {}): SimpleAttack {
  const { steps = 1, stepSize = steps === 1 ? 1 : 0.1, objective = lossObjective() } = options;
  const maximizer = (optimizer: AscentOptimizer) => projectedAscent({ optimizer, stepSize, steps });
  // Refuses bad options here, rather than in the middle of an evaluation.
  maximizer(sign());
  const name = options.name ?? (steps === 1 ? 'fgsm' : `fgsm-${steps}`);
  const ascend = ascent(name, (problem) => {
    const inRadii = maximizer(signInRadii(problem.threat.radius));
    return perturbationOf(inRadii, { ...problem, start: zerosLike(problem.images) }, objective);
  });
  return {
    name,
    runs: () => [{ name: 'from the image', restart: 0 }],
    perturb: ascend,
  };
}

/** Sign steps measured in radii: the radius is a tensor, so it scales the update instead of being a step size. */
function signInRadii(radius: Tensor1D): AscentOptimizer {
  const steepest = sign();
  return {
    ...steepest,
    update: (gradient, state) => {
      const { update, state: next } = steepest.update(gradient, state);
      return { update: mul(update, reshape(radius, [-1, 1, 1, 1])) as Tensor4D, state: next };
    },
  };
}
