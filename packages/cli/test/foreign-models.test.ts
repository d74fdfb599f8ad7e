import { readFileSync } from 'node:fs';
import { localLinearityHistogram } from '@llr/analysis';
import { type Evaluation, evaluate, fgsm, multiTargeted, pgd } from '@llr/attacks';
import {
  adam,
  type Classifier,
  type ImageSource,
  linfBall,
  projectedAscent,
  type ThreatModel,
} from '@llr/core';
import { fashionMnist, fromArrays, subset } from '@llr/datasets';
import { installHigherOrderGradients } from '@llr/engine';
import { fromGraphModel, fromLayersModel } from '@llr/models';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import {
  argMax,
  cast,
  dispose,
  div,
  io,
  memory,
  oneHot,
  randomUniform,
  type Tensor4D,
  tensor4d,
  tidy,
  train,
} from '@tensorflow/tfjs-core';
import {
  initializers,
  type LayersModel,
  layers,
  loadLayersModel,
  sequential,
} from '@tensorflow/tfjs-layers';
import { afterEach, expect, test, vi } from 'vitest';

// Models made with other tools, through everything that takes a classifier.

const warn = vi.spyOn(console, 'warn');
afterEach(() => warn.mockClear());

/** Attacks compiled where the engine has graphs, and run eagerly where it has none: never as a fallback. */
const neverEagerly = () => expect(warn).not.toHaveBeenCalledWith(expect.stringContaining('eager'));

const attacked = (
  classifier: Classifier,
  data: ImageSource,
  threat: ThreatModel,
  epsilon: number,
) =>
  evaluate({
    classifier,
    data,
    threat,
    attacks: [
      fgsm(),
      pgd({ steps: 10, stepSize: epsilon / 4 }),
      multiTargeted({ steps: 5, stepSize: epsilon / 4 }),
    ],
    seed: 0,
    batchSize: 32,
  });

/** Iterated attacks break at least what one step breaks, and all break something. */
function expectAttacksToWork({ clean, attacks, robust }: Evaluation): void {
  const [single, iterated] = attacks.map(({ accuracy }) => accuracy.value);
  expect(single).toBeLessThan(clean.value);
  expect(iterated).toBeLessThanOrEqual(single!);
  expect(robust.value).toBeLessThanOrEqual(iterated!);
}

test('a network trained, saved and loaded with tfjs-layers is attacked and measured', async () => {
  // Node's tfjs-core has no gradients to train with.
  installHigherOrderGradients();
  const seeded = { kernelInitializer: initializers.glorotUniform({ seed: 1 }) };
  const trained = sequential({
    layers: [
      layers.conv2d({ inputShape: [28, 28, 1], filters: 8, kernelSize: 4, strides: 2, ...seeded }),
      layers.batchNormalization(),
      layers.reLU(),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dropout({ rate: 0.1, seed: 1 }),
      layers.dense({ units: 10, activation: 'softmax', ...seeded }),
    ],
  });
  trained.compile({ optimizer: train.adam(0.01), loss: 'categoricalCrossentropy' });
  const training = subset(await fashionMnist({ split: 'train' }), { size: 1536 });
  for (let epoch = 0; epoch < 4; epoch++) {
    for await (const batch of training.batches({ batchSize: 64, epoch, seed: 0 })) {
      const targets = tidy(() => cast(oneHot(cast(batch.labels, 'int32'), 10), 'float32'));
      await trained.trainOnBatch(batch.images, targets);
      dispose([batch.images, batch.labels, targets]);
    }
  }
  const model = await loadLayersModel(io.fromMemory(await artifactsOf(trained)));
  trained.dispose();
  const classifier = fromLayersModel(model);

  const data = subset(await fashionMnist({ split: 'test' }), { size: 64 });
  const threat = linfBall(0.1);
  const before = memory().numTensors;
  const evaluation = await attacked(classifier, data, threat, 0.1);
  expect(evaluation.clean.value).toBeGreaterThan(0.6);
  expectAttacksToWork(evaluation);
  const { sqrtGamma } = await localLinearityHistogram({
    classifier,
    data: subset(data, { size: 16 }),
    threat,
    maximizer: projectedAscent({ optimizer: adam(), stepSize: 0.02, steps: 5, keep: 'best' }),
    seed: 0,
    batchSize: 16,
  });
  expect(sqrtGamma.mean).toBeGreaterThan(0.01);
  expect(memory().numTensors).toBe(before);
  neverEagerly();
  threat.radius.dispose();
  model.dispose();
});

test('a converted Keras network is attacked', async () => {
  const path = new URL('../../models/test/fixtures/keras.json', import.meta.url);
  const { graph } = JSON.parse(readFileSync(path, 'utf8'));
  const weightData = new Uint8Array(Buffer.from(graph.weightData, 'base64')).buffer;
  const model = await loadGraphModel(io.fromMemory({ ...graph, weightData }));
  const classifier = fromGraphModel(model, { std: [1 / 255, 1 / 255, 1 / 255] });

  const shape = [48, 16, 16, 3] as const;
  const bytes = tidy(() =>
    Uint8Array.from(randomUniform([...shape], 0, 256, 'int32', 1).dataSync()),
  );
  const labels = tidy(() => {
    const images = div(tensor4d(bytes, [...shape]), 255);
    return argMax(classifier.freeze('running')(images as Tensor4D), 1).dataSync();
  });
  const classNames = ['a', 'b', 'c', 'd', 'e'];
  const named = { name: 'noise', split: 'test', inputShape: [16, 16, 3], classNames } as const;
  const data = fromArrays({ ...named, images: bytes, labels });
  const threat = linfBall(4 / 255);
  const before = memory().numTensors;
  const evaluation = await attacked(classifier, data, threat, 4 / 255);
  expect(evaluation.clean.value).toBe(1);
  expectAttacksToWork(evaluation);
  expect(memory().numTensors).toBe(before);
  neverEagerly();
  threat.radius.dispose();
  model.dispose();
});

async function artifactsOf(model: LayersModel): Promise<io.ModelArtifacts> {
  let saved: io.ModelArtifacts | undefined;
  const keep = io.withSaveHandler(async (artifacts) => {
    saved = artifacts;
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
  });
  await model.save(keep);
  return saved!;
}
