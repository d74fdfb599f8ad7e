import type { Classifier } from '@llr/core';
import { type NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { type ForeignModelOptions, foreignClassifier } from './foreign-classifier.ts';
import { compilableWeights } from './graph-weights.ts';
import { logitsNode } from './softmax-node.ts';

/** A `tf.GraphModel`, as far as it is used here: the package needs no tfjs-converter. */
export interface GraphModelLike {
  readonly inputs: readonly {
    readonly name: string;
    readonly shape?: readonly number[];
    readonly dtype: string;
  }[];
  readonly outputs: readonly { readonly name: string }[];
  readonly outputNodes: readonly string[];
  readonly weights: { readonly [node: string]: readonly Tensor[] };
  execute(inputs: NamedTensorMap, outputs: string): Tensor | Tensor[];
}

export interface GraphModelOptions extends ForeignModelOptions {
  /** The node that gives the logits, where the model has several outputs, or ends with something other than a Softmax. */
  output?: string;
}

/**
 * Any `tf.GraphModel` of one image input as a classifier, for every attack and analysis. Images `[b, h, w, c]` are in
 * the pixel box [0, 1], and normalised by `mean` and `std` before the model sees them: `std: [1 / 255, …]` for one
 * that takes 0 to 255. Where the output is that of a Softmax node, the classifier gives what goes into it.
 *
 * The model remains the caller's, to use and to dispose of. Its float weights become variables, of the same values and
 * not trainable, so that functions with the model in them can be compiled.
 *
 * @throws Error for a model of several inputs, or of several outputs unless one is named, one that takes something else
 *   than images with channels last, one whose output is not `[b, classes]` or can't be computed at once (control flow),
 *   or which gives probabilities in spite of all
 */
export function fromGraphModel(model: GraphModelLike, options: GraphModelOptions = {}): Classifier {
  const { name = 'graph-model', output } = options;
  const [input] = model.inputs;
  if (model.inputs.length !== 1) {
    const names = model.inputs.map((each) => each.name).join(', ');
    throw new Error(
      `${name} has ${model.inputs.length} inputs (${names}): a classifier takes images alone.`,
    );
  }
  if (output === undefined && model.outputs.length !== 1) {
    const names = model.outputs.map((each) => each.name).join(', ');
    throw new Error(
      `${name} has ${model.outputs.length} outputs (${names}): name the one with the logits, { output }.`,
    );
  }
  const node = logitsNode(model, output);
  const constants = compilableWeights(model);
  return foreignClassifier(
    {
      name,
      inputShape: input!.shape,
      inputType: input!.dtype,
      output: (images) => {
        const found = atOnce(name, () =>
          model.execute({ ...constants(), [input!.name]: images }, node),
        );
        return found instanceof Tensor ? found : found[0]!;
      },
      remedy: 'Name the node that gives the logits, { output }.',
    },
    options,
  );
}

function atOnce<T>(name: string, execute: () => T): T {
  try {
    return execute();
  } catch (error) {
    const { message } = error as Error;
    if (!message.includes('executeAsync')) throw error;
    throw new Error(
      `${name} can't be differentiated: it has an operation that tfjs executes asynchronously alone, such as control flow. ${message.split('. ')[0]}.`,
      { cause: error },
    );
  }
}
