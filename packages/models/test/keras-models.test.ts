import { readFileSync } from 'node:fs';
import { type Classifier, crossEntropy } from '@llr/core';
import { compile, inputGradient } from '@llr/engine';
import { useEngine } from '@llr/engine/node';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import {
  dispose,
  engine,
  getBackend,
  io,
  memory,
  mul,
  slice,
  square,
  sum,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { requires } from '../../../tools/requires.ts';
import { fromGraphModel, fromLayersModel } from '../src/index.ts';
import { fixturePath, relativeError } from './oracle-fixture.ts';

// A network of Keras, converted to both kinds of tfjs models, and what Keras gives: tools/oracle/make_keras_fixtures.py.
const fixture = JSON.parse(readFileSync(fixturePath('keras.json'), 'utf8'));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const floats = (text: string) => new Float32Array(bytes(text).buffer);

const handler = (kind: 'layers' | 'graph') => {
  const { weightData, ...artifacts } = fixture[kind];
  return io.fromMemory({ ...artifacts, weightData: bytes(weightData).buffer });
};

const images = () => tensor4d(floats(fixture.images), [3, 16, 16, 3]);
const rescaled = { std: [1 / 255, 1 / 255, 1 / 255] };

const kinds = {
  layers: async () => {
    const model = await loadLayersModel(handler('layers'));
    return { model, classifier: fromLayersModel(model, rescaled) };
  },
  graph: async () => {
    const model = await loadGraphModel(handler('graph'));
    return { model, classifier: fromGraphModel(model, rescaled) };
  },
};

const lossOf = (classifier: Classifier) => (at: Tensor) =>
  crossEntropy(classifier.freeze('running')(at as Tensor4D), tensor1d(fixture.labels, 'int32'));

const gradientOf = (loss: (at: Tensor) => Tensor) => (x: Tensor) =>
  inputGradient((at: Tensor) => ({ value: loss(at) }), x).gradient;

describe.each(['layers', 'graph'] as const)('a Keras network as a tf model: %s', (kind) => {
  it('gives the logits of Keras, and its gradients, first and second', async () => {
    const { model, classifier } = await kinds[kind]();
    expect(classifier.inputShape).toEqual([16, 16, 3]);
    expect(classifier.numClasses).toBe(5);
    const x = images();
    const before = memory().numTensors;
    tidy(() => {
      const { logits } = classifier.forward(x, 'running');
      expect(relativeError(logits, floats(fixture.logits))).toBeLessThan(1e-5);
      const gradient = gradientOf(lossOf(classifier));
      expect(relativeError(gradient(x), floats(fixture.gradient))).toBeLessThan(1e-5);
      const squared = (at: Tensor) => sum(square(gradient(at)));
      expect(relativeError(gradientOf(squared)(x), floats(fixture.second))).toBeLessThan(1e-5);
    });
    expect(memory().numTensors).toBe(before);
    x.dispose();
    model.dispose();
  });

  it('leaves the model with its probabilities', async () => {
    const { model } = await kinds[kind]();
    tidy(() => {
      const found = model.predict(mul(images(), 255)) as Tensor;
      expect(relativeError(found, floats(fixture.probabilities))).toBeLessThan(1e-5);
    });
    model.dispose();
  });

  it('is compiled on TensorFlow, for any size of batch', async ({ skip }) => {
    requires('tensorflow', skip);
    const backend = getBackend();
    await useEngine({ prefer: 'tensorflow' });
    const before = memory().numTensors;
    const { model, classifier } = await kinds[kind]();
    const x = images();
    const logits = compile(classifier.freeze('running'), { name: 'logits' });
    const gradient = compile(gradientOf(lossOf(classifier)), { name: 'gradient' });
    const found = [logits(x), gradient(x), logits(x)];
    expect(relativeError(found[0]!, floats(fixture.logits))).toBeLessThan(1e-5);
    expect(relativeError(found[1]!, floats(fixture.gradient))).toBeLessThan(1e-5);
    const one = slice(x, [0, 0, 0, 0], [1, 16, 16, 3]);
    const alone = logits(one);
    expect(relativeError(alone, floats(fixture.logits).subarray(0, 5))).toBeLessThan(1e-5);
    for (const compiled of [logits, gradient]) compiled.dispose();
    dispose([x, one, alone, ...found]);
    model.dispose();
    expect(memory().numTensors).toBe(before);
    await engine().setBackend(backend);
  });
});
