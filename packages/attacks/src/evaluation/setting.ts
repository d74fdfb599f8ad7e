import {
  type Classifier,
  type ImageSource,
  type RandomSource,
  randomSource,
  type ThreatModel,
} from '@llr/core';
import { frozen, type Network } from './predictions.ts';
import type { OnProgress } from './progress.ts';
import { type Radii, radiiOf } from './radii.ts';
import { assertSource } from './read-examples.ts';

/** What every evaluation needs. */
export interface EvaluationOptions {
  classifier: Classifier;
  /** Read batch by batch, so it may be larger than memory. */
  data: ImageSource;
  /** One radius for all examples, or one for each in the order of the source. */
  threat: ThreatModel;
  /** A whole number. The same seed on the same engine at the same batch size gives the same result, to the bit. */
  seed: number;
  /**
   * Default 64. Every batch is padded to this size, so that an example's result depends neither on its neighbours nor on
   * which others are evaluated; for a handful of images a small one is faster. 1, or else rounded up to a multiple of 8.
   */
  batchSize?: number;
  onProgress?: OnProgress;
  /** Ends the evaluation after the batch at hand, with the signal's reason. */
  signal?: AbortSignal;
}

/** What stays the same while one classifier is attacked. */
export interface Setting {
  readonly classifier: Classifier;
  readonly network: Network;
  readonly data: ImageSource;
  /** The threat model, for a batch. */
  readonly radii: Radii;
  readonly random: RandomSource;
  readonly batchSize: number;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal | undefined;
}

/** Checks that everything fits together, then does the work. */
export async function inSetting<T>(
  options: EvaluationOptions,
  work: (setting: Setting) => Promise<T>,
): Promise<T> {
  const { classifier, data, threat, seed } = options;
  const batchSize = evenSize(options.batchSize ?? 64);
  const random = randomSource(seed).fork('evaluate');
  assertSource(data, classifier);
  const radii = await radiiOf(threat, data.size);
  const network = frozen(classifier);
  try {
    return await work({
      classifier,
      network,
      data,
      radii,
      random,
      batchSize,
      onProgress: options.onProgress ?? (() => {}),
      signal: options.signal,
    });
  } finally {
    network.dispose();
  }
}

/**
 * A size of batch at which the place of a row doesn't matter: TensorFlow rounds what its vectors of 8 and more numbers leave
 * over otherwise than the rest.
 */
function evenSize(batchSize: number): number {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchSize must be a whole number above 0; got ${batchSize}.`);
  }
  return batchSize === 1 ? 1 : 8 * Math.ceil(batchSize / 8);
}
