import type { Classifier } from '@llr/core';
import { compile, orEagerly } from '@llr/engine';
import { type Tensor2D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { compileAscents } from '../compiled-ascent.ts';
import type { PaddedBatch } from './batch.ts';

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

/** Logits of the rows that count. */
export interface Predicted {
  /** The class of the largest logit; the first of equal ones. */
  readonly prediction: number;
  /** `[classes]` */
  readonly logits: Float32Array;
}

/**
 * What the network makes of images.
 *
 * @param images - the batch's own, or perturbed, `[b, h, w, c]`
 * @returns for each row that counts
 * @throws Error when the logits have another shape than `[b, classes]` or are NaN
 */
export async function predict(
  network: Network,
  images: Tensor4D,
  { count, indices }: Pick<PaddedBatch, 'count' | 'indices'>,
): Promise<Predicted[]> {
  const { name, numClasses } = network;
  const logits = network.forward(images);
  try {
    if (logits.shape.join() !== `${images.shape[0]},${numClasses}`) {
      throw new Error(
        `${name} has ${numClasses} classes, but gave logits of shape [${logits.shape}] for ${images.shape[0]} images.`,
      );
    }
    const values = (await logits.data()) as Float32Array;
    return Array.from({ length: count }, (_, row) => {
      const ofRow = values.slice(row * numClasses, (row + 1) * numClasses);
      if (ofRow.some(Number.isNaN)) {
        throw new Error(`${name} gave NaN for example ${indices[row]}.`);
      }
      return { prediction: ofRow.indexOf(Math.max(...ofRow)), logits: ofRow };
    });
  } finally {
    logits.dispose();
  }
}
