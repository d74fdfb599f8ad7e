import { crossEntropy } from '@llr/core';
import { inputGradient } from '@llr/engine';
import {
  add,
  avgPool,
  conv2d,
  depthwiseConv2d,
  div,
  fill,
  log,
  matMul,
  maxPool,
  mean,
  memory,
  mul,
  randomNormal,
  randomUniform,
  relu,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  model as modelOf,
  sequential,
} from '@tensorflow/tfjs-layers';
import { afterAll, describe, expect, it } from 'vitest';
import { fromLayersModel } from '../src/index.ts';
import { relativeError } from './oracle-fixture.ts';

const images = randomUniform([2, 8, 8, 3], 0, 1, 'float32', 1) as Tensor4D;
afterAll(() => images.dispose());

const predicted = (model: LayersModel, x: Tensor = images) => model.predict(x) as Tensor;

/** A model's weights, none of which is 0 or 1 any more. */
function randomized<Model extends LayersModel>(model: Model): Model {
  tidy(() => {
    const random = model.getWeights().map(({ shape }, i) => {
      const values = randomUniform(shape, 0.2, 0.8, 'float32', i + 1);
      // Variances stay positive; matrices have both signs.
      return shape.length > 1 ? add(mul(values, 2), -1) : values;
    });
    model.setWeights(random);
  });
  return model;
}

const everyLayer = () =>
  randomized(
    sequential({
      layers: [
        layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, padding: 'same' }),
        layers.batchNormalization(),
        layers.reLU(),
        layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
        layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', activation: 'relu' }),
        layers.dropout({ rate: 0.5 }),
        layers.separableConv2d({ filters: 5, kernelSize: 3, padding: 'same' }),
        layers.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }),
        layers.globalAveragePooling2d({}),
        layers.dense({ units: 3, activation: 'softmax' }),
      ],
    }),
  );

/** The same network in plain operations, up to its logits. */
function twin(model: LayersModel): (x: Tensor) => Tensor2D {
  const [filter, bias, scale, offset, depth, depthBias, ...more] = model.getWeights();
  const [spatial, point, pointBias, weights, last, average, variance] = more;
  return (x) => {
    const conv = add(conv2d(x as Tensor4D, filter as Tensor4D, 1, 'same'), bias!);
    const centred = div(sub(conv, average!), sqrt(add(variance!, 1e-3)));
    const norm = relu(add(mul(centred, scale!), offset!));
    const pooled = maxPool(norm as Tensor4D, 3, 2, 'same');
    const deep = relu(add(depthwiseConv2d(pooled, depth as Tensor4D, 1, 'same'), depthBias!));
    const apart = depthwiseConv2d(deep as Tensor4D, spatial as Tensor4D, 1, 'same');
    const mixed = add(conv2d(apart, point as Tensor4D, 1, 'same'), pointBias!);
    const overall = mean(avgPool(mixed as Tensor4D, 2, 1, 'same'), [1, 2]);
    return add(matMul(overall as Tensor2D, weights as Tensor2D), last!);
  };
}

const labels = [2, 0];
const lossOf = (logits: (x: Tensor) => Tensor2D) => (x: Tensor) =>
  crossEntropy(logits(x), tensor1d(labels, 'int32'));
const gradientOf = (value: (x: Tensor) => Tensor) => (x: Tensor) =>
  inputGradient((at: Tensor) => ({ value: value(at) }), x).gradient;

describe('fromLayersModel', () => {
  it('gives the logits of a network in plain operations, and is differentiable twice', () => {
    const model = everyLayer();
    const classifier = fromLayersModel(model, { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] });
    expect(classifier).toMatchObject({ name: model.name, inputShape: [8, 8, 3], numClasses: 3 });
    const before = memory().numTensors;
    tidy(() => {
      const logits = classifier.freeze('running') as (x: Tensor) => Tensor2D;
      const plain = twin(model);
      const expected = (x: Tensor) =>
        plain(div(sub(x, tensor1d([0.4, 0.5, 0.6])), tensor1d([0.2, 0.25, 0.3])));
      const agree = (found: (x: Tensor) => Tensor, wanted: (x: Tensor) => Tensor) =>
        expect(relativeError(found(images), wanted(images).dataSync())).toBeLessThan(1e-4);
      agree(logits, expected);
      agree((x) => classifier.forward(x as Tensor4D, 'running').logits, expected);
      const gradients = [logits, expected].map((each) => gradientOf(lossOf(each)));
      const [gradient, wanted] = gradients as [typeof expected, typeof expected];
      agree(gradient, wanted);
      const squared = (each: (x: Tensor) => Tensor) => gradientOf((x) => sum(square(each(x))));
      agree(squared(gradient), squared(wanted));
    });
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });

  const features = () => layers.flatten({ inputShape: [8, 8, 3] });
  const dense = (activation?: 'softmax') =>
    layers.dense({ units: 4, ...(activation && { activation }) });
  const asImage = () => layers.reshape({ targetShape: [1, 1, 192] });
  const nested = () =>
    sequential({ layers: [layers.dense({ units: 4, activation: 'softmax', inputShape: [192] })] });

  it.each<[string, () => LayersModel]>([
    ['a dense layer', () => sequential({ layers: [features(), dense('softmax')] })],
    [
      'an activation layer',
      () =>
        sequential({ layers: [features(), dense(), layers.activation({ activation: 'softmax' })] }),
    ],
    ['a softmax layer', () => sequential({ layers: [features(), dense(), layers.softmax()] })],
    ['a nested model', () => sequential({ layers: [features(), nested()] })],
    [
      'a convolution, then reshaped and dropped out',
      () =>
        sequential({
          layers: [
            features(),
            asImage(),
            layers.conv2d({ filters: 4, kernelSize: 1, activation: 'softmax' }),
            layers.dropout({ rate: 0.5 }),
            layers.flatten(),
            layers.activation({ activation: 'linear' }),
          ],
        }),
    ],
    [
      'a model of nodes',
      () => {
        const inputs = input({ shape: [8, 8, 3] });
        const flat = layers.flatten().apply(inputs);
        const outputs = layers.softmax().apply(dense().apply(flat));
        return modelOf({ inputs, outputs: outputs as never });
      },
    ],
  ])('gives what goes into the softmax of %s, and leaves it in the model', (_, build) => {
    const model = randomized(build());
    const classifier = fromLayersModel(model);
    tidy(() => {
      const logits = classifier.forward(images, 'running').logits.arraySync();
      const probabilities = predicted(model);
      const logs = log(probabilities).arraySync() as number[][];
      for (const [row, values] of logits.entries()) {
        const shift = values[0]! - logs[row]![0]!;
        expect(Math.abs(shift)).toBeGreaterThan(1e-3);
        for (const [i, value] of values.entries())
          expect(value - logs[row]![i]!).toBeCloseTo(shift, 3);
      }
      for (const row of probabilities.arraySync() as number[][]) {
        expect(row.reduce((sum, value) => sum + value)).toBeCloseTo(1, 5);
      }
    });
    model.dispose();
  });

  it('takes the outputs of other models as they are', () => {
    for (const last of [undefined, 'logSoftmax'] as const) {
      const units = layers.dense({ units: 4, ...(last && { activation: last as never }) });
      const model = randomized(sequential({ layers: [features(), units] }));
      const classifier = fromLayersModel(model, { name: 'theirs', numClasses: 4 });
      expect(classifier.name).toBe('theirs');
      tidy(() => {
        const { logits } = classifier.forward(images, 'running');
        expect(relativeError(logits, predicted(model).dataSync())).toBeLessThan(1e-6);
      });
      model.dispose();
    }
  });

  it('follows the model as it is trained, without a tensor of its own', () => {
    const before = memory().numTensors;
    const model = sequential({ layers: [features(), dense('softmax')] });
    const own = memory().numTensors;
    const classifier = fromLayersModel(model);
    expect(memory().numTensors).toBe(own);
    const first = classifier.forward(images, 'running').logits;
    randomized(model);
    const second = classifier.forward(images, 'running').logits;
    expect(relativeError(first, second.dataSync())).toBeGreaterThan(0.1);
    for (const tensor of [first, second]) tensor.dispose();
    model.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('puts the softmax back when the model fails', () => {
    const model = sequential({ layers: [features(), dense('softmax')] });
    const classifier = fromLayersModel(model);
    const weights = model.layers[1]!.getWeights();
    const { activation } = model.layers[1] as unknown as { activation: { getClassName(): string } };
    model.layers[1]!.weights[0]!.dispose();
    expect(() => classifier.forward(images, 'running')).toThrow('disposed');
    expect(activation.getClassName()).toBe('softmax');
    expect((model.layers[1] as unknown as { activation: object }).activation).toBe(activation);
    for (const tensor of weights.slice(1)) tensor.dispose();
  });

  it('takes sizes that the model leaves open', () => {
    const model = sequential({
      layers: [
        layers.conv2d({ inputShape: [null, null, 3] as never, filters: 4, kernelSize: 3 }),
        layers.globalAveragePooling2d({}),
      ],
    });
    expect(() => fromLayersModel(model)).toThrow(
      'images of any size, [?, ?, ?, 3]: give inputShape',
    );
    const classifier = fromLayersModel(model, { inputShape: [8, 8, 3] });
    expect(classifier.inputShape).toEqual([8, 8, 3]);
    expect(() => fromLayersModel(model, { inputShape: [8, 8, 1] })).toThrow(
      'takes [?, ?, ?, 3]; inputShape is [8, 8, 1]',
    );
    model.dispose();
  });

  it('refuses other images and other statistics', () => {
    const model = sequential({ layers: [features(), dense()], name: 'theirs' });
    const classifier = fromLayersModel(model);
    expect(classifier.statistics).toBe('running');
    const other = randomNormal([1, 8, 9, 3]) as Tensor4D;
    expect(() => classifier.forward(other, 'running')).toThrow(
      'theirs takes images [b, 8, 8, 3]; got [1, 8, 9, 3].',
    );
    expect(() => classifier.forward(images, 'batch')).toThrow("forward it with 'running'");
    expect(() => classifier.freeze({})).toThrow("forward it with 'running'");
    other.dispose();
    model.dispose();
  });

  const inputs = () => input({ shape: [8, 8, 3] });
  const shaped = (shape: number[], more: object = {}) =>
    sequential({ layers: [layers.flatten({ inputShape: shape, ...more }), dense()] });

  it.each<[string, () => LayersModel, string, object?]>([
    [
      'two inputs',
      () => {
        const both = [inputs(), inputs()];
        const sum = layers.add().apply(both);
        return modelOf({ inputs: both, outputs: layers.flatten().apply(sum) as never });
      },
      'has 2 inputs',
    ],
    [
      'two outputs',
      () => {
        const x = inputs();
        const outputs = [layers.flatten().apply(x), layers.flatten().apply(x)];
        return modelOf({ inputs: x, outputs: outputs as never });
      },
      'has 2 outputs',
    ],
    [
      'vectors',
      () => sequential({ layers: [layers.dense({ units: 3, inputShape: [192] })] }),
      'takes [?, 192], not images',
    ],
    ['channels first', () => shaped([3, 32, 32]), 'channels first, [?, 3, 32, 32]'],
    [
      'one batch size',
      () =>
        sequential({
          layers: [layers.flatten({ batchInputShape: [5, 8, 8, 3] as never }), dense()],
        }),
      'takes batches of 5 alone',
    ],
    ['whole numbers', () => shaped([8, 8, 3], { dtype: 'int32' }), 'takes int32 images'],
    [
      'maps for outputs',
      () =>
        sequential({
          layers: [layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3 })],
        }),
      'its output for 2 images is of shape [2, 6, 6, 4]',
    ],
    [
      'one output',
      () => sequential({ layers: [features(), layers.dense({ units: 1, activation: 'sigmoid' })] }),
      'has one output, not one for each class',
    ],
    [
      'probabilities of its own making',
      () => {
        const x = inputs();
        const ends = layers.dense({ units: 4, activation: 'softmax' });
        const flat = layers.flatten().apply(x);
        const twice = layers.average().apply([ends.apply(flat), ends.apply(flat)] as never);
        return modelOf({ inputs: x, outputs: twice as never });
      },
      'gives probabilities, and attacks need logits. Build a model that ends before',
    ],
    [
      'a softmax that it uses elsewhere too',
      () => {
        const x = inputs();
        const squash = layers.dense({ units: 192, activation: 'softmax', name: 'squash' });
        const once = squash.apply(layers.flatten().apply(x));
        return modelOf({ inputs: x, outputs: squash.apply(once) as never });
      },
      'The layer squash, with the softmax that the model ends with, is used more than once',
    ],
    ['another number of classes', () => shaped([8, 8, 3]), '4 classes, not 10', { numClasses: 10 }],
    ['other channels', () => shaped([8, 8, 3]), 'mean must be 3 numbers', { mean: [0.5] }],
    ['other sizes', () => shaped([8, 8, 3]), 'inputShape is [9, 9, 3]', { inputShape: [9, 9, 3] }],
  ])('refuses a model of %s', (_, build, message, options) => {
    const model = build();
    const before = memory().numTensors;
    expect(() => fromLayersModel(model, options)).toThrow(message);
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });

  it('refuses a model whose weights are NaN', () => {
    const model = shaped([8, 8, 3]);
    model.layers[1]!.setWeights([fill([192, 4], Number.NaN), zeros([4])]);
    expect(() => fromLayersModel(model)).toThrow('gives NaN for an image of noise');
    model.dispose();
  });
});
