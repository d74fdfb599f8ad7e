import type { Tensor } from '@tensorflow/tfjs-core';

interface Activation {
  getClassName(): string;
  apply(x: Tensor): Tensor;
}

/** A tensor of a tfjs-layers model that is yet to be computed. */
interface Symbolic {
  readonly sourceLayer: Layer;
  readonly inputs: readonly Symbolic[];
}

/** What is used of a tfjs-layers layer; a model is one too. */
interface Layer {
  readonly name: string;
  getClassName(): string;
  activation?: Activation;
  call(inputs: Tensor | Tensor[]): Tensor;
  readonly outputs?: readonly Symbolic[];
  readonly nodesByDepth?: Readonly<Record<string, readonly { readonly outboundLayer: Layer }[]>>;
}

/** Layers after which probabilities are still the same numbers, when nothing is being trained. */
const passing = new Set(['Reshape', 'Flatten', 'Dropout']);

/**
 * The layer whose softmax a model ends with, if it does.
 *
 * @throws Error when the model uses that layer elsewhere too, and so can't do without its softmax
 */
export function softmaxLayer(model: Layer): Layer | undefined {
  let output = model.outputs?.[0];
  while (output) {
    const { sourceLayer: layer } = output;
    if (layer.outputs) return once(model, layer, softmaxLayer(layer));
    if (layer.getClassName() === 'Softmax') return once(model, layer, layer);
    const activation = layer.activation?.getClassName();
    if (activation === 'softmax') return once(model, layer, layer);
    const passes = passing.has(layer.getClassName()) || isLinear(layer, activation);
    output = passes ? output.inputs[0] : undefined;
  }
  return undefined;
}

const isLinear = (layer: Layer, activation: string | undefined) =>
  layer.getClassName() === 'Activation' && activation === 'linear';

function once(model: Layer, layer: Layer, softmax: Layer | undefined): Layer | undefined {
  const nodes = Object.values(model.nodesByDepth ?? {}).flat();
  if (softmax && nodes.filter(({ outboundLayer }) => outboundLayer === layer).length > 1) {
    throw new Error(
      `The layer ${layer.name}, with the softmax that the model ends with, is used more than once: rebuild the model without that softmax, to give logits.`,
    );
  }
  return softmax;
}

const linear: Activation = { getClassName: () => 'linear', apply: (x) => x };

/** Runs a function while a layer leaves out its softmax; afterwards the layer is as it was. */
export function withoutSoftmax<T>(layer: Layer | undefined, fn: () => T): T {
  if (!layer) return fn();
  const { activation } = layer;
  if (activation) layer.activation = linear;
  else layer.call = (inputs) => [inputs].flat()[0]!;
  try {
    return fn();
  } finally {
    if (activation) layer.activation = activation;
    // It hid the method of its class.
    else Reflect.deleteProperty(layer, 'call');
  }
}
