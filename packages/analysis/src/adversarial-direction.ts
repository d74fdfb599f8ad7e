import {
  type Classifier,
  lossObjective,
  type Maximizer,
  type PerExampleLoss,
  randomSource,
  type ThreatModel,
} from '@llr/core';
import { type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { checkLabel, type ImageLike, numbersOf } from './loss-surface.ts';
import { fiftyAdamSteps, searchOf } from './measurement/search.ts';

export interface AdversarialDirectionOptions {
  classifier: Classifier;
  /** x, in the pixel box [0, 1]. */
  image: ImageLike;
  /** Which image of a source it is: its random start depends on it. Default 0. */
  index?: number;
  label: number;
  threat: ThreatModel;
  /** Default 50 Adam steps of 0.1. */
  maximizer?: Maximizer;
  seed: number;
  /** Per example. Default cross-entropy. */
  loss?: PerExampleLoss;
}

/**
 * The δ of the threat model that raises the loss of an image most, as a search finds it: the first axis of a loss surface
 * (Fig. A1). Unlike an attack of `@llr/attacks`, it also looks where the image is misclassified already.
 *
 * @returns h·w·c numbers
 * @throws RangeError when the image doesn't fit or the label is no class
 */
export async function adversarialDirection(
  options: AdversarialDirectionOptions,
): Promise<Float32Array> {
  const { classifier, index = 0, label, threat, seed, loss } = options;
  checkLabel(label, classifier);
  const image = await numbersOf(options.image, classifier, 'image');
  const maximizer = options.maximizer ?? fiftyAdamSteps();
  const search = searchOf({ classifier, threat, maximizer, objective: lossObjective(loss) });
  const images: Tensor4D = tensor4d(image, [1, ...classifier.inputShape]);
  const labels = tensor1d([label], 'int32');
  const indices = Int32Array.of(index);
  const random = randomSource(seed).fork('adversarial-direction').forExamples(indices);
  try {
    const { perturbation, value } = search({ images, labels, indices }, random);
    value.dispose();
    const found = (await perturbation.data()) as Float32Array;
    perturbation.dispose();
    return found;
  } finally {
    search.dispose();
    images.dispose();
    labels.dispose();
  }
}
