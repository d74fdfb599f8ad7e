import {
  type Classifier,
  type ImageSource,
  type RandomSource,
  randomSource,
  type ThreatModel,
} from '@llr/core';
import { dispose } from '@tensorflow/tfjs-core';
import { collectExamples, type Examples, groupsOf, paddedBatch } from './examples.ts';
import { frozen, type Network, predict } from './predictions.ts';
import { nextTurn, type OnProgress } from './progress.ts';

/** What every evaluation needs. */
export interface EvaluationOptions {
  classifier: Classifier;
  /** Read whole into memory. */
  data: ImageSource;
  /** One radius for all examples. */
  threat: ThreatModel;
  /** A whole number. The same seed on the same engine at the same batch size gives the same result, to the bit. */
  seed: number;
  /**
   * Default 128. Every batch is padded to this size, so that an example's result depends neither on its neighbours nor on
   * which others are evaluated; for a handful of images a small one is faster.
   */
  batchSize?: number;
  onProgress?: OnProgress;
}

/** What stays the same while one classifier is attacked on one set of examples. */
export interface Setting {
  readonly classifier: Classifier;
  readonly network: Network;
  readonly examples: Examples;
  /** On the unperturbed images. */
  readonly predictions: Int32Array;
  readonly threat: ThreatModel;
  readonly epsilon: number;
  readonly random: RandomSource;
  readonly batchSize: number;
  readonly onProgress: OnProgress;
}

/** Reads the data, checks that everything fits together, and classifies the unperturbed images; then does the work. */
export async function inSetting<T>(
  options: EvaluationOptions,
  work: (setting: Setting) => Promise<T>,
): Promise<T> {
  const { classifier, data, threat, seed, batchSize = 128, onProgress = () => {} } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchSize must be a whole number above 0; got ${batchSize}.`);
  }
  const random = randomSource(seed).fork('evaluate');
  const epsilon = await radiusOf(threat);
  const examples = await collectExamples(data, classifier, batchSize);
  const network = frozen(classifier);
  try {
    const predictions = await classify(network, examples, batchSize, onProgress);
    return await work({
      classifier,
      network,
      examples,
      predictions,
      threat,
      epsilon,
      random,
      batchSize,
      onProgress,
    });
  } finally {
    network.dispose();
  }
}

async function radiusOf(threat: ThreatModel): Promise<number> {
  const radii = await threat.radius.data();
  if (radii.length !== 1 || !(radii[0]! >= 0)) {
    throw new Error(
      `An evaluation has one radius for all examples; the threat model ${threat.name} has [${radii.slice(0, 4)}${radii.length > 4 ? ', …' : ''}].`,
    );
  }
  return radii[0]!;
}

async function classify(
  network: Network,
  examples: Examples,
  batchSize: number,
  onProgress: OnProgress,
): Promise<Int32Array> {
  const { count } = examples;
  const predictions = new Int32Array(count);
  onProgress({ attack: 'clean', done: 0, total: count });
  let done = 0;
  for (const rows of groupsOf([...predictions.keys()], batchSize)) {
    const batch = paddedBatch(examples, rows, batchSize);
    try {
      const found = await predict(network, batch.images, batch);
      rows.forEach((row, i) => {
        predictions[row] = found[i]!;
      });
    } finally {
      dispose([batch.images, batch.labels]);
    }
    done += rows.length;
    onProgress({ attack: 'clean', done, total: count });
    await nextTurn();
  }
  return predictions;
}

/** Rows that the network classifies correctly when they aren't perturbed: the ones worth attacking. */
export const correctRows = ({ examples, predictions }: Setting): number[] =>
  [...predictions.keys()].filter((row) => predictions[row] === examples.labels[row]);
