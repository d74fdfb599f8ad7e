import { type Classifier, fromFunction, type ImageSource, randomSource } from '@llr/core';
import {
  add,
  argMax,
  matMul,
  reshape,
  softplus,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor,
  tensor1d,
  tensor4d,
  tidy,
  type Variable,
  variable,
} from '@tensorflow/tfjs-core';

export type Shape = readonly [height: number, width: number, channels: number];

/** Uniform numbers in [low, high), the same for the same arguments. */
export function numbers(seed: number, count: number, low = 0, high = 1): Float32Array {
  const drawn = randomSource(seed).forExamples([0]).uniform([1, count], low, high);
  const values = drawn.dataSync().slice() as Float32Array;
  drawn.dispose();
  return values;
}

/** A variable, so that what is made of it can be compiled. */
const parameter = (values: Float32Array, shape: number[]): Variable =>
  tidy(() => variable(tensor(values, shape)));

/** A classifier that is a plain function of flattened images `[b, h · w · c]`. */
function classifierOf(
  name: string,
  inputShape: Shape,
  numClasses: number,
  logits: (flat: Tensor2D) => Tensor,
): Classifier {
  const pixels = inputShape[0] * inputShape[1] * inputShape[2];
  return fromFunction((images) => logits(reshape(images, [-1, pixels])) as Tensor2D, {
    name,
    inputShape,
    numClasses,
  });
}

export interface Linear {
  classifier: Classifier;
  /** By pixel, then class. */
  weights: Float32Array;
  bias: Float32Array;
  dispose(): void;
}

/** z = xW + b with random weights. */
export function linear(seed: number, inputShape: Shape, numClasses: number): Linear {
  const pixels = inputShape[0] * inputShape[1] * inputShape[2];
  const weights = numbers(seed, pixels * numClasses, -1, 1);
  const bias = numbers(seed + 1, numClasses, -0.2, 0.2);
  const w = parameter(weights, [pixels, numClasses]);
  const b = parameter(bias, [numClasses]);
  return {
    classifier: classifierOf('linear', inputShape, numClasses, (x) =>
      add(matMul(x, w as never), b),
    ),
    weights,
    bias,
    dispose: () => {
      w.dispose();
      b.dispose();
    },
  };
}

/** A smooth network with one hidden layer. */
export function mlp(seed: number, inputShape: Shape, hidden: number, numClasses: number) {
  const pixels = inputShape[0] * inputShape[1] * inputShape[2];
  const first = parameter(numbers(seed, pixels * hidden, -2, 2), [pixels, hidden]);
  const second = parameter(numbers(seed + 1, hidden * numClasses, -2, 2), [hidden, numClasses]);
  const classifier = classifierOf('mlp', inputShape, numClasses, (x) =>
    matMul(softplus(matMul(x, first as never)), second as never),
  );
  return { classifier, dispose: () => [first, second].map((tensor) => tensor.dispose()) };
}

export interface Example {
  index: number;
  image: Float32Array;
  label: number;
}

/** Random images with the labels the classifier gives them, but for every fifth. */
export function examplesFor(classifier: Classifier, seed: number, count: number): Example[] {
  const [h, w, c] = classifier.inputShape;
  const pixels = h * w * c;
  const images = numbers(seed, count * pixels);
  const predictions = tidy(() => {
    const logits = classifier.freeze('running')(tensor4d(images, [count, h, w, c]));
    return argMax(logits, 1).dataSync();
  });
  return Array.from({ length: count }, (_, index) => ({
    index,
    image: images.slice(index * pixels, (index + 1) * pixels),
    label:
      index % 5 === 4 ? (predictions[index]! + 1) % classifier.numClasses : predictions[index]!,
  }));
}

/** A source of these examples, in this order, under their own indices. */
export function sourceOf(
  examples: readonly Example[],
  inputShape: Shape,
  overrides: Partial<ImageSource> = {},
): ImageSource {
  return {
    name: 'examples',
    inputShape,
    classNames: [],
    split: 'test',
    size: examples.length,
    async *batches({ batchSize, from: first = 0 }) {
      for (let from = first * batchSize; from < examples.length; from += batchSize) {
        const group = examples.slice(from, from + batchSize);
        yield {
          images: tensor4d(
            group.flatMap(({ image }) => [...image]),
            [group.length, ...inputShape],
          ),
          labels: tensor1d(
            group.map(({ label }) => label),
            'int32',
          ) as Tensor1D,
          indices: Int32Array.from(group, ({ index }) => index),
        };
      }
    },
    ...overrides,
  };
}
