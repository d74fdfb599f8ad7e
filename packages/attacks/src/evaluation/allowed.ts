import type { ThreatModel } from '@llr/core';
import { Tensor, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { PaddedBatch } from './batch.ts';

// Room for the rounding of x + δ − x in float32.
const relativeTolerance = 1e-5;
const absoluteTolerance = 1e-6;

/**
 * Reads the perturbations of a batch and refuses those that the threat model doesn't allow: no result of an attack is
 * counted unseen.
 *
 * @param epsilons - the radius of each row
 * @param by - who made each row's, for the message
 * @returns the perturbations of the whole batch, `[b · h · w · c]`
 * @throws Error naming the attack and the example: NaN, another shape than the images', outside the ball, or out of the box
 */
export async function readAllowed(
  perturbation: Tensor4D,
  { images, count, indices }: PaddedBatch,
  threat: ThreatModel,
  epsilons: ArrayLike<number>,
  by: (row: number) => string,
): Promise<Float32Array> {
  assertShapedLike(perturbation, images, by(0));
  const delta = (await perturbation.data()) as Float32Array;
  const pixels = (await images.data()) as Float32Array;
  const length = delta.length / images.shape[0];
  const sizes = await sizesOf(threat, perturbation);
  for (let row = 0; row < count; row++) {
    const epsilon = epsilons[row]!;
    const example = `example ${indices[row]}`;
    for (let at = row * length; at < (row + 1) * length; at++) {
      const pixel = pixels[at]! + delta[at]!;
      if (Number.isNaN(pixel)) throw new Error(`${by(row)} gave NaN for ${example}.`);
      if (pixel < -absoluteTolerance || pixel > 1 + absoluteTolerance) {
        throw new Error(
          `${by(row)} moves a pixel of ${example} to ${pixel}, out of [0, 1]: ${projectFirst}`,
        );
      }
    }
    if (!(sizes[row]! <= epsilon * (1 + relativeTolerance) + absoluteTolerance)) {
      throw new Error(
        `${by(row)} perturbs ${example} by ${sizes[row]}, more than the ${threat.name} radius ${epsilon}: ${projectFirst}`,
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
