import type { Classifier } from '@llr/core';
import { compile, orEagerly } from '@llr/engine';
import { type Tensor2D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { compileAscents } from './compiled-ascent.ts';
import type { PaddedBatch } from './examples.ts';

/** A classifier at fixed statistics. */
export interface Network {
  readonly name: string;
  readonly numClasses: number;
  /** For use inside an attack: differentiable. */
  logits(images: Tensor4D): Tensor2D;
  /** For prediction: compiled. */
  forward(images: Tensor4D): Tensor2D;
  /** Frees what was compiled. */
  dispose(): void;
}

/**
 * The classifier as it is evaluated: with its running statistics. Predictions and ascents against it are compiled;
 * where they can't be, they run eagerly and a warning says why.
 */
export function frozen(classifier: Classifier): Network {
  const { name, numClasses } = classifier;
  const eager = classifier.freeze('running');
  // A function of this evaluation's own, which its compiled ascents go by.
  const logits = (images: Tensor4D): Tensor2D => eager(images);
  let warned = false;
  const onEager = ({ message }: Error) => {
    if (!warned) console.warn(`${name} is evaluated eagerly, which is slower: ${message}`);
    warned = true;
  };
  const compiled = compile(logits, { name: `logits of ${name}` });
  const disposeAscents = compileAscents(logits, onEager);
  return {
    name,
    numClasses,
    logits,
    forward: orEagerly(compiled, (images) => tidy(() => logits(images)), onEager),
    dispose: () => {
      compiled.dispose();
      disposeAscents();
    },
  };
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
