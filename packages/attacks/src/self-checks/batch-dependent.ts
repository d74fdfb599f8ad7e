import {
  add,
  concat,
  dispose,
  mul,
  reverse,
  sub,
  type Tensor4D,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { floatNoise, relativeGap } from './randomized.ts';
import type { Sample } from './sample.ts';
import { figure, type Warning } from './warning.ts';

/**
 * A network whose logits for an image depend on the other images of the batch: batch normalisation in training mode, most
 * often. Every second image is replaced by its negative, the batch is turned round, and what is said of the rest compared.
 * (AutoAttack has no such test; differences of half a point by the mode of batch norm alone have been published.)
 */
export async function checkNeighbours({ problem, few, numClasses }: Sample): Promise<Warning[]> {
  const [count] = few.images.shape;
  const turned = tidy(() => reverse(amongNegatives(few.images), 0));
  const outputs = tidy(() => reverse(problem.logits(turned), 0));
  const values = (await outputs.data()) as Float32Array;
  dispose([turned, outputs]);
  const ofKept = (all: Float32Array) =>
    all.subarray(0, count * numClasses).filter((_, i) => Math.floor(i / numClasses) % 2 === 0);
  const gap = relativeGap(ofKept(few.logits), ofKept(values));
  if (!(gap > floatNoise)) return [];
  return [
    {
      check: 'batch-dependent',
      message: `The network's logits for an image depend on the other images of its batch: among other neighbours they differ by up to ${figure(100 * gap)} % of the largest. It probably normalises by the batch's own mean and variance. Results then depend on the batch size and the order of the data, and perturbing one image changes what is said of others. Put batch normalisation in inference mode (running statistics).`,
    },
  ];
}

/** The images, every second one as its negative; one image alone gets its negative as a neighbour. */
function amongNegatives(images: Tensor4D): Tensor4D {
  const negatives = sub(1, images) as Tensor4D;
  const [count] = images.shape;
  if (count === 1) return concat([images, negatives], 0);
  const kept = tensor4d(
    Array.from({ length: count }, (_, row) => (row % 2 === 0 ? 1 : 0)),
    [count, 1, 1, 1],
  );
  return add(mul(images, kept), mul(negatives, sub(1, kept)));
}
