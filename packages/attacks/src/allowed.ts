import type { ThreatModel } from '@llr/core';
import { Tensor, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { PaddedBatch } from './examples.ts';

// Room for the rounding of x + δ − x in float32.
const relativeTolerance = 1e-5;
const absoluteTolerance = 1e-6;

/**
 * Reads the perturbations of a batch and refuses those that the threat model doesn't allow: no result of an attack is
 * counted unseen.
 *
 * @param by - who made them, for the message
 * @returns the perturbations of the whole batch, `[b · h · w · c]`
 * @throws Error naming the attack and the example: NaN, another shape than the images', outside the ball, or out of the box
 */
export async function readAllowed(
  perturbation: Tensor4D,
  { images, rows, indices }: PaddedBatch,
  threat: ThreatModel,
  epsilon: number,
  by: string,
): Promise<Float32Array> {
  assertShapedLike(perturbation, images, by);
  const delta = (await perturbation.data()) as Float32Array;
  const pixels = (await images.data()) as Float32Array;
  const length = delta.length / images.shape[0];
  const bound = epsilon * (1 + relativeTolerance) + absoluteTolerance;
  const sizes = await sizesOf(threat, perturbation);
  for (const [row] of rows.entries()) {
    const example = `example ${indices[row]}`;
    for (let at = row * length; at < (row + 1) * length; at++) {
      const pixel = pixels[at]! + delta[at]!;
      if (Number.isNaN(pixel)) throw new Error(`${by} gave NaN for ${example}.`);
      if (pixel < -absoluteTolerance || pixel > 1 + absoluteTolerance) {
        throw new Error(
          `${by} moves a pixel of ${example} to ${pixel}, out of [0, 1]: ${projectFirst}`,
        );
      }
    }
    if (!(sizes[row]! <= bound)) {
      throw new Error(
        `${by} perturbs ${example} by ${sizes[row]}, more than the ${threat.name} radius ${epsilon}: ${projectFirst}`,
      );
    }
  }
  return delta;
}

const projectFirst = 'return problem.threat.project(perturbation, problem.images).';

function assertShapedLike(perturbation: unknown, images: Tensor4D, by: string) {
  if (!(perturbation instanceof Tensor)) {
    throw new Error(`${by} returned ${typeof perturbation} instead of a tensor of perturbations.`);
  }
  if (perturbation.shape.join() !== images.shape.join()) {
    throw new Error(
      `${by} returned perturbations of shape [${perturbation.shape}] for images of shape [${images.shape}].`,
    );
  }
}

async function sizesOf(threat: ThreatModel, perturbation: Tensor4D) {
  const sizes = tidy(() => threat.size(perturbation));
  try {
    return await sizes.data();
  } finally {
    sizes.dispose();
  }
}
