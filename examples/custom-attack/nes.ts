import { margin, type Problem, type StagedAttack } from '@llr/core';
import { add, mul, reshape, sub, type Tensor4D, tidy, zerosLike } from '@tensorflow/tfjs-core';

/** ∇ of the margin as NES estimates it: Σ u·(m(x + δ + σu) − m(x + δ − σu)), u ~ N(0, 1). Only its direction counts. */
function estimatedGradient(
  { images, labels, logits, random }: Problem,
  perturbation: Tensor4D,
  samples: number,
  sigma: number,
): Tensor4D {
  const at = add(images, perturbation);
  const marginAt = (shift: Tensor4D) => margin(logits(add(at, shift)), labels);
  let sum: Tensor4D = zerosLike(images);
  for (let sample = 0; sample < samples; sample++) {
    sum = tidy(() => {
      const direction = random.fork('direction', sample).normal(images.shape) as Tensor4D;
      const shift = mul<Tensor4D>(sigma, direction);
      const rise = sub(marginAt(shift), marginAt(mul(-1, shift)));
      return add(sum, mul(direction, reshape(rise, [-1, 1, 1, 1])));
    });
  }
  return sum;
}

/**
 * The black-box attack by natural evolution strategies (Ilyas et al. 2018): PGD that follows a gradient of the margin
 * estimated from logits alone, at pairs of points on both sides of x + δ. Each step is a stage, so that an example that is
 * broken asks the network for nothing more.
 *
 * @param options.steps - Default 30
 * @param options.samples - pairs of points in each estimate. Default 10
 * @param options.sigma - their distance from x + δ in each pixel, as a standard deviation. Default 0.01
 * @param options.stepSize - in ε. Default 0.2
 */
export function nes({ steps = 30, samples = 10, sigma = 0.01, stepSize = 0.2 } = {}): StagedAttack {
  return {
    name: `nes-${steps}`,
    settings: { steps, samples, sigma, stepSize },
    access: 'black-box',
    runs: () => [{ name: 'restart 0', restart: 0 }],
    stages: steps,
    begin: ({ images, threat, random }) => ({ perturbation: threat.start(images, random) }),
    advance: (problem, state) =>
      tidy(() => {
        const { images, threat } = problem;
        const perturbation = state.perturbation as Tensor4D;
        const gradient = estimatedGradient(problem, perturbation, samples, sigma);
        const size = mul(stepSize, reshape(threat.radius, [-1, 1, 1, 1]));
        const moved = add(perturbation, mul(threat.steepest(gradient), size)) as Tensor4D;
        return { perturbation: threat.project(moved, images) };
      }),
  };
}

/** What `llr eval --attack-file nes.ts` runs. */
export default nes();
