import { crossEntropy } from '@llr/core';
import { inputGradient } from '@llr/engine';
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import {
  add,
  avgPool,
  conv2d,
  div,
  io,
  log,
  matMul,
  maxPool,
  mean,
  memory,
  mul,
  randomUniform,
  relu,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { fromGraphModel, type GraphModelOptions } from '../src/index.ts';
import { relativeError } from './oracle-fixture.ts';

const images = randomUniform([2, 8, 8, 3], 0, 1, 'float32', 1) as Tensor4D;
afterAll(() => images.dispose());

interface Node {
  name: string;
  op: string;
  input?: string[];
  attr?: object;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const integers = (...values: number[]) => ({ list: { i: values.map(String) } });
const text = (value: string) => ({ s: base64(value) });
const dims = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size: String(size) })) });
const float = { type: 'DT_FLOAT' };

/** A graph, written by hand, and its weights. */
class Graph {
  readonly nodes: Node[] = [];
  readonly weights: Record<string, { shape: number[]; values: number[]; dtype: string }> = {};

  add(name: string, op: string, input: string[] = [], attr: object = {}): this {
    this.nodes.push({ name, op, input, attr: { T: float, ...attr } });
    return this;
  }

  images(
    shape: readonly number[] | undefined = [-1, 8, 8, 3],
    name = 'images',
    dtype = 'DT_FLOAT',
  ) {
    const attr = { dtype: { type: dtype }, ...(shape && { shape: { shape: dims(shape) } }) };
    return this.add(name, 'Placeholder', [], attr);
  }

  floats(name: string, shape: number[], low = -1, high = 1): this {
    const seed = this.nodes.length;
    const values = tidy(() => [...randomUniform(shape, low, high, 'float32', seed).dataSync()]);
    return this.#weight(name, shape, values, 'float32', 'DT_FLOAT');
  }

  integers(name: string, values: number[], shape = [values.length]): this {
    return this.#weight(name, shape, values, 'int32', 'DT_INT32');
  }

  #weight(name: string, shape: number[], values: number[], dtype: string, type: string): this {
    this.weights[name] = { shape, values, dtype };
    const value = { tensor: { dtype: type, tensorShape: dims(shape) } };
    return this.add(name, 'Const', [], { dtype: { type }, value });
  }

  /** A softmax's input: the logits of a dense layer over all pixels. */
  dense(classes = 4): this {
    return this.images()
      .integers('shape', [-1, 192])
      .floats('weights', [192, classes])
      .floats('bias', [classes])
      .add('flat', 'Reshape', ['images', 'shape'])
      .add('product', 'MatMul', ['flat', 'weights'])
      .add('logits', 'BiasAdd', ['product', 'bias']);
  }

  load(signature?: object): Promise<GraphModel> {
    const entries = Object.entries(this.weights);
    const arrays = entries.map(([, { values, dtype }]) =>
      dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values),
    );
    const bytes = Buffer.concat(arrays.map(({ buffer }) => Buffer.from(buffer)));
    return loadGraphModel(
      io.fromMemory({
        modelTopology: { node: this.nodes, versions: { producer: 1, minConsumer: 1 } },
        weightSpecs: entries.map(([name, { shape, dtype }]) => ({
          name,
          shape,
          dtype: dtype as 'float32',
        })),
        weightData: new Uint8Array(bytes).buffer,
        ...(signature && { signature: signature as never }),
      }),
    );
  }

  tensor(name: string): Tensor {
    const { shape, values, dtype } = this.weights[name]!;
    return tensor(values, shape, dtype as 'float32');
  }
}

const strided = (stride: number) => ({
  strides: integers(1, stride, stride, 1),
  padding: text('SAME'),
  data_format: text('NHWC'),
});
const pool = { ...strided(2), ksize: integers(1, 2, 2, 1) };
const fusedOps = (...ops: string[]) => ({
  fused_ops: { list: { s: ops.map(base64) } },
  num_args: { i: '1' },
});

const convolutional = () =>
  new Graph()
    .images()
    .floats('filter', [3, 3, 3, 4])
    .floats('scale', [4], 0.5, 1.5)
    .floats('offset', [4])
    .floats('mean', [4])
    .floats('variance', [4], 0.5, 1.5)
    .add('conv', 'Conv2D', ['images', 'filter'], { ...strided(1), dilations: integers(1, 1, 1, 1) })
    .add('norm', 'FusedBatchNormV3', ['conv', 'scale', 'offset', 'mean', 'variance'], {
      epsilon: { f: 0.01 },
      is_training: { b: false },
      data_format: text('NHWC'),
    })
    .add('relu', 'Relu', ['norm'])
    .add('pool', 'MaxPool', ['relu'], pool)
    .floats('filter-2', [3, 3, 4, 5])
    .floats('bias-2', [5])
    .add('conv-2', '_FusedConv2D', ['pool', 'filter-2', 'bias-2'], {
      ...strided(1),
      ...fusedOps('BiasAdd', 'Relu'),
      dilations: integers(1, 1, 1, 1),
    })
    .add('pool-2', 'AvgPool', ['conv-2'], pool)
    .integers('axes', [1, 2])
    .add('features', 'Mean', ['pool-2', 'axes'], { keep_dims: { b: false } })
    .floats('weights', [5, 4])
    .floats('bias', [4])
    .add('logits', '_FusedMatMul', ['features', 'weights', 'bias'], {
      ...fusedOps('BiasAdd'),
      transpose_a: { b: false },
      transpose_b: { b: false },
    })
    .add('softmax', 'Softmax', ['logits']);

/** The same in plain operations, up to its logits. */
function twin(graph: Graph): (x: Tensor) => Tensor2D {
  const weight = (name: string) => graph.tensor(name) as never;
  return (x) => {
    const conv = conv2d(x as Tensor4D, weight('filter'), 1, 'same');
    const deviation = sqrt(add(weight('variance'), 0.01));
    const norm = mul(div(sub(conv, weight('mean')), deviation), weight('scale'));
    const pooled = maxPool(relu(add(norm, weight('offset'))) as Tensor4D, 2, 2, 'same');
    const again = add(conv2d(pooled, weight('filter-2'), 1, 'same'), weight('bias-2'));
    const features = mean(avgPool(relu(again) as Tensor4D, 2, 2, 'same'), [1, 2]);
    return add(matMul(features as Tensor2D, weight('weights')), weight('bias'));
  };
}

const gradientOf = (value: (x: Tensor) => Tensor) => (x: Tensor) =>
  inputGradient((at: Tensor) => ({ value: value(at) }), x).gradient;

describe('fromGraphModel', () => {
  it('gives the logits of a network in plain operations, and is differentiable twice', async () => {
    const graph = convolutional();
    const model = await graph.load();
    const classifier = fromGraphModel(model, { mean: [0.4, 0.5, 0.6] });
    expect(classifier).toMatchObject({
      name: 'graph-model',
      inputShape: [8, 8, 3],
      numClasses: 4,
      statistics: 'running',
    });
    const before = memory().numTensors;
    tidy(() => {
      const logits = classifier.freeze('running') as (x: Tensor) => Tensor2D;
      const plain = twin(graph);
      const expected = (x: Tensor) => plain(sub(x, tensor1d([0.4, 0.5, 0.6])));
      const agree = (found: (x: Tensor) => Tensor, wanted: (x: Tensor) => Tensor) =>
        expect(relativeError(found(images), wanted(images).dataSync())).toBeLessThan(1e-4);
      agree(logits, expected);
      const loss = (each: (x: Tensor) => Tensor2D) => (x: Tensor) =>
        crossEntropy(each(x), tensor1d([2, 0], 'int32'));
      const [gradient, wanted] = [gradientOf(loss(logits)), gradientOf(loss(expected))];
      agree(gradient, wanted);
      const squared = (each: (x: Tensor) => Tensor) => gradientOf((x) => sum(square(each(x))));
      agree(squared(gradient), squared(wanted));
    });
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });

  it.each<[string, (graph: Graph) => Graph]>([
    ['itself', (graph) => graph],
    ['an Identity', (graph) => graph.add('end', 'Identity', ['softmax'])],
    [
      'Reshape and Squeeze',
      (graph) =>
        graph
          .integers('as-image', [-1, 1, 1, 4])
          .add('image', 'Reshape', ['softmax', 'as-image'])
          .add('end', 'Squeeze', ['image'], { squeeze_dims: integers(1, 2) }),
    ],
  ])('gives what goes into a Softmax, followed by %s', async (_, end) => {
    const model = await end(new Graph().dense().add('softmax', 'Softmax', ['logits'])).load();
    const classifier = fromGraphModel(model);
    tidy(() => {
      const found = classifier.forward(images, 'running').logits.arraySync();
      const logs = log(model.predict(images) as Tensor).arraySync() as number[][];
      for (const [row, values] of found.entries()) {
        const shift = values[0]! - logs[row]![0]!;
        expect(Math.abs(shift)).toBeGreaterThan(1e-3);
        for (const [i, value] of values.entries()) {
          expect(value - logs[row]![i]!).toBeCloseTo(shift, 3);
        }
      }
    });
    model.dispose();
  });

  it('gives the output that is named, by its node or in the signature', async () => {
    const graph = new Graph()
      .dense()
      .add('softmax', 'Softmax', ['logits'])
      .add('twice', 'AddV2', ['logits', 'logits']);
    const signature = {
      inputs: { x: { name: 'images:0', dtype: 'DT_FLOAT', tensorShape: dims([-1, 8, 8, 3]) } },
      outputs: { classes: { name: 'softmax:0' }, doubled: { name: 'twice:0' } },
    };
    const model = await graph.load(signature);
    expect(() => fromGraphModel(model)).toThrow('2 outputs (softmax, twice): name the one');
    expect(() => fromGraphModel(model, { output: 'logit' })).toThrow(
      'The graph has no node logit. Its last nodes are',
    );
    tidy(() => {
      const expected = (model.execute(images, 'logits') as Tensor).dataSync();
      for (const output of ['softmax', 'classes', 'logits']) {
        const { logits } = fromGraphModel(model, { output }).forward(images, 'running');
        expect(relativeError(logits, expected)).toBeLessThan(1e-6);
      }
      const { logits } = fromGraphModel(model, { output: 'doubled' }).forward(images, 'running');
      expect(relativeError(mul(logits, 0.5), expected)).toBeLessThan(1e-6);
    });
    model.dispose();
  });

  it('leaves a model that works and is disposed of as before', async () => {
    // It says that it needn't have been called like that.
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const before = memory().numTensors;
    const model = await convolutional().load();
    const own = memory().numTensors;
    const expected = tidy(() => (model.predict(images) as Tensor).dataSync());
    for (let time = 0; time < 2; time++) fromGraphModel(model);
    expect(memory().numTensors).toBe(own);
    for (let time = 0; time < 2; time++) {
      const found = (await model.executeAsync(images)) as Tensor;
      expect(relativeError(found, expected)).toBeLessThan(1e-6);
      found.dispose();
    }
    expect(
      relativeError(
        tidy(() => model.predict(images) as Tensor),
        expected,
      ),
    ).toBeLessThan(1e-6);
    model.dispose();
    // The prediction of the line above.
    expect(memory().numTensors).toBe(before + 1);
  });

  const ready = (graph: Graph) => graph.integers('shape', [-1, 192]).floats('weights', [192, 4]);
  const product = (graph: Graph) =>
    ready(graph)
      .add('flat', 'Reshape', ['images', 'shape'])
      .add('logits', 'MatMul', ['flat', 'weights']);

  it('takes sizes that the graph leaves open', async () => {
    for (const shape of [undefined, [-1, -1, -1, 3]]) {
      const graph = new Graph();
      graph.images(shape);
      if (!shape) Reflect.deleteProperty(graph.nodes[0]!.attr!, 'shape');
      const model = await product(graph).load();
      expect(() => fromGraphModel(model)).toThrow('give inputShape');
      expect(fromGraphModel(model, { inputShape: [8, 8, 3] }).inputShape).toEqual([8, 8, 3]);
      model.dispose();
    }
  });

  it.each<[string, () => Graph, string, GraphModelOptions?]>([
    [
      'two inputs',
      () =>
        product(new Graph().images())
          .images([-1, 4], 'more')
          .add('sum', 'AddV2', ['logits', 'more']),
      'has 2 inputs (images, more)',
    ],
    [
      'a softmax made of other nodes',
      () =>
        new Graph()
          .dense()
          .add('exp', 'Exp', ['logits'])
          .integers('axis', [1])
          .add('sum', 'Sum', ['exp', 'axis'], { keep_dims: { b: true } })
          .add('end', 'RealDiv', ['exp', 'sum']),
      'gives probabilities, and attacks need logits. Name the node that gives the logits, { output }',
    ],
    ['one batch size', () => product(new Graph().images([1, 8, 8, 3])), 'takes batches of 1 alone'],
    ['channels first', () => product(new Graph().images([-1, 3, 8, 8])), 'channels first'],
    ['vectors', () => product(new Graph().images([-1, 192])), 'takes [?, 192], not images'],
    [
      'whole numbers',
      () => product(new Graph().images([-1, 8, 8, 3], 'images', 'DT_INT32')),
      'takes int32 images',
    ],
    ['another number of classes', () => new Graph().dense(), '4 classes, not 3', { numClasses: 3 }],
    [
      'operations that take time',
      () =>
        new Graph()
          .dense()
          .add('condition', 'Greater', ['logits', 'bias'])
          .add('end', 'Where', ['condition']),
      "can't be differentiated: it has an operation that tfjs executes asynchronously alone",
    ],
  ])('refuses a model of %s', async (_, build, message, options) => {
    const model = await build().load();
    const before = memory().numTensors;
    expect(() => fromGraphModel(model, options)).toThrow(message);
    expect(memory().numTensors).toBe(before);
    model.dispose();
  });
});
