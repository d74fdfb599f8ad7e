import {
  inRadii,
  lossObjective,
  margin,
  type Objective,
  perturbationOf,
  projectedAscent,
  type SimpleAttack,
  steepest,
} from '@llr/core';
import { mul, sum, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';

/** wᵀz(x + δ), where w is drawn from U(−1, 1) for each example and each run. */
const outputDirection: Objective<{ direction: Tensor2D }> = {
  name: 'output-direction',
  prepare: ({ images, logits, random }) => ({
    direction: random.fork('output direction').uniform(logits(images).shape, -1, 1) as Tensor2D,
  }),
  value: ({ logits, state }): Tensor1D => sum(mul(logits, state.direction), 1),
};

/**
 * PGD from output-diversified starts, ODI (Tashiro et al. 2020): two steps of ε first drive the logits in a random
 * direction, so that the starts differ where the network sees it, which random pixels hardly do. The ascent after that
 * is on the margin max_{j ≠ y} z_j − z_y.
 *
 * @param options.steps - of the ascent. Default 20
 * @param options.stepSize - of the ascent, in ε. Default 0.1
 * @param options.restarts - independent starts. Default 3
 * @throws RangeError when `steps` is not a whole number above 0, or `stepSize` not a positive number
 */
export function odiPgd({ steps = 20, stepSize = 0.1, restarts = 3 } = {}): SimpleAttack {
  const optimizer = inRadii(steepest());
  const diversify = projectedAscent({ optimizer, stepSize: 1, steps: 2 });
  const ascend = projectedAscent({ optimizer, stepSize, steps });
  return {
    name: `odi-pgd-${steps}`,
    settings: { steps, stepSize, restarts },
    runs: () =>
      Array.from({ length: restarts }, (_, restart) => ({ name: `restart ${restart}`, restart })),
    perturb: (problem) =>
      tidy(() => {
        const start = perturbationOf(diversify, problem, outputDirection);
        return perturbationOf(ascend, { ...problem, start }, lossObjective(margin));
      }),
  };
}

/** What `llr eval --attack-file odi-pgd.ts` runs. */
export default odiPgd();
