import type { Classifier } from '@llr/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { type ForeignModelOptions, foreignClassifier } from './foreign-classifier.ts';
import { softmaxLayer, withoutSoftmax } from './softmax-layer.ts';

/** A `tf.LayersModel`, as far as it is used here: the package needs no tfjs-layers. */
export interface LayersModelLike {
  readonly name: string;
  readonly inputs: readonly {
    readonly shape: readonly (number | null)[];
    readonly dtype: string;
  }[];
  readonly outputs: readonly object[];
  apply(images: Tensor, options?: { training: boolean }): unknown;
}

/**
 * Any `tf.LayersModel` (or `tf.Sequential`) of one image input and one output as a classifier, for every attack and
 * analysis. Images `[b, h, w, c]` are in the pixel box [0, 1], and normalised by `mean` and `std` before the model sees
 * them: `std: [1 / 255, …]` for one that takes 0 to 255.
 *
 * Where the model ends with a softmax (of a Dense layer, an Activation or Softmax layer, also in a nested model), the
 * classifier gives what goes into it; the model itself stays as it is. It runs as in prediction: without dropout, at
 * its moving averages. The model and its weights remain the caller's, to train further and to dispose of.
 *
 * @throws Error for a model of several inputs or outputs, one that takes something else than images with channels last,
 *   one whose output is not `[b, classes]`, or which gives probabilities in spite of all
 */
export function fromLayersModel(
  model: LayersModelLike,
  options: ForeignModelOptions = {},
): Classifier {
  const { name = model.name } = options;
  for (const [what, count] of [
    ['input', model.inputs.length],
    ['output', model.outputs.length],
  ] as const) {
    if (count !== 1) {
      throw new Error(
        `${name} has ${count} ${what}s: build a model with the one ${what} that a classifier has, tf.model({ inputs, outputs }).`,
      );
    }
  }
  const softmax = softmaxLayer(model as never);
  const [input] = model.inputs;
  return foreignClassifier(
    {
      name,
      inputShape: input!.shape,
      inputType: input!.dtype,
      output: (images) =>
        withoutSoftmax(softmax, () => model.apply(images, { training: false })) as Tensor,
      remedy:
        'Build a model that ends before its softmax, tf.model({ inputs: model.inputs, outputs }).',
    },
    options,
  );
}
