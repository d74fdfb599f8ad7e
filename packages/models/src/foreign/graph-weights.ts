import {
  type NamedTensorMap,
  type Tensor,
  type TensorLike,
  tensor,
  Variable,
  variable,
} from '@tensorflow/tfjs-core';

interface Executor {
  weightMap: Weights;
}

type Weights = { [node: string]: Tensor[] };

/** A `tf.GraphModel`, and what runs it. */
interface Model {
  readonly weights: Weights;
  readonly executor?: Executor;
  readonly initializer?: Executor;
}

/**
 * Has a graph model's weights be what a compiled function may use: the float ones become variables, in place, which share
 * the values. The others, shapes and axes and paddings, are numbers for the operations; they are made anew for each call.
 *
 * @returns makes those constants, by the node that holds each, to be given to the model beside its input
 */
export function compilableWeights(model: object): () => NamedTensorMap {
  const { weights, executor, initializer } = model as Model;
  const constants: [node: string, values: TensorLike, like: Tensor][] = [];
  for (const [node, held] of Object.entries(weights)) {
    for (const [i, weight] of held.entries()) {
      if (weight.dtype === 'float32' && weight.rank > 0) held[i] = asVariable(weight);
      else if (weight.dtype !== 'string') constants.push([node, weight.dataSync(), weight]);
    }
  }
  // They dispose of all tensors but those that were assigned here.
  for (const each of [executor, initializer]) if (each) each.weightMap = weights;
  return () =>
    Object.fromEntries(
      constants.map(([node, values, { shape, dtype }]) => [node, tensor(values, shape, dtype)]),
    );
}

function asVariable(weight: Tensor): Variable {
  if (weight instanceof Variable) return weight;
  const made = variable(weight, false);
  weight.dispose();
  return made;
}
