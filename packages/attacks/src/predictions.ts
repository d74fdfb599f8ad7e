import type { Classifier } from '@llr/core';
import { compile } from '@llr/engine';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { PaddedBatch } from './examples.ts';

/** A classifier at fixed statistics. */
export interface Network {
  readonly name: string;
  readonly numClasses: number;
  /** For use inside an attack: differentiable. */
  logits(images: Tensor4D): Tensor2D;
  /** For prediction: compiled. */
  forward(images: Tensor4D): Tensor2D;
}

/** The classifier as it is evaluated: with its running statistics. */
export function frozen(classifier: Classifier): Network {
  const { name, numClasses } = classifier;
  const logits = classifier.freeze('running');
  return { name, numClasses, logits, forward: compile(logits) };
}

/**
 * The class of the largest logit for each row that counts; the first of equal ones.
 *
 * @param images - the batch's own, or perturbed, `[b, h, w, c]`
 * @throws Error when the logits have another shape than `[b, classes]` or are NaN
 */
export async function predict(
  network: Network,
  images: Tensor4D,
  { rows, indices }: PaddedBatch,
): Promise<Int32Array> {
  const { name, numClasses } = network;
  const logits = network.forward(images);
  try {
    if (logits.shape.join() !== `${images.shape[0]},${numClasses}`) {
      throw new Error(
        `${name} has ${numClasses} classes, but gave logits of shape [${logits.shape}] for ${images.shape[0]} images.`,
      );
    }
    const values = await logits.data();
    return Int32Array.from(rows, (_, row) => {
      const ofRow = values.subarray(row * numClasses, (row + 1) * numClasses);
      if (ofRow.some(Number.isNaN))
        throw new Error(`${name} gave NaN for example ${indices[row]}.`);
      return ofRow.indexOf(Math.max(...ofRow));
    });
  } finally {
    logits.dispose();
  }
}
