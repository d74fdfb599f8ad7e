import { adversarialExamples, pgd } from '@llr/attacks';
import type { ImageSource, TrainableClassifier } from '@llr/core';
import { fromArrays } from '@llr/datasets';
import { dataOf, type Experiment, threatModel } from '@llr/train';
import { argMax, dispose, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import { defaultBatchSize } from '../eval/batch-size.ts';

const fewSteps = 5;
const moreSteps = 25;

/** What a step of an attack takes for one image of a batch, in seconds, with an untrained network of an experiment. */
export async function secondsPerGradient(experiment: Experiment): Promise<number> {
  const test = await dataOf(experiment).open('test');
  const { inputShape, classNames } = test;
  const seed = experiment.seed ?? 0;
  const model = experiment.model({ inputShape, numClasses: classNames.length, seed });
  const batchSize = defaultBatchSize(inputShape);
  const threat = threatModel(experiment.threat);
  try {
    const data = await asPredicted(model, test, batchSize);
    const seconds = async (steps: number) => {
      const attack = pgd({ steps, stepSize: 0.1 });
      const started = performance.now();
      await adversarialExamples({ classifier: model, data, attack, threat, seed, batchSize });
      return (performance.now() - started) / 1000;
    };
    // The rest of an attack is the same for both; the first time is one of warming up.
    await seconds(fewSteps);
    const few = Math.min(await seconds(fewSteps), await seconds(fewSteps));
    const more = Math.min(await seconds(moreSteps), await seconds(moreSteps));
    // On a busy machine the difference may drown in noise: all of it is then at most what steps take.
    const steps = more > few ? (more - few) / (moreSteps - fewSteps) : more / moreSteps;
    return steps / batchSize;
  } finally {
    dispose(threat.radius);
    (model as { dispose?(): void }).dispose?.();
  }
}

/** The first batch, each image labelled as what the network takes it for: only what is right is attacked. */
async function asPredicted(
  model: TrainableClassifier,
  test: ImageSource,
  batchSize: number,
): Promise<ImageSource> {
  for await (const { images, labels } of test.batches({ batchSize })) {
    const logits: Tensor2D = model.freeze('running')(images);
    const predicted: Tensor1D = argMax(logits, 1);
    const bytes = Uint8Array.from(await images.data(), (pixel) => Math.round(255 * pixel));
    const source = fromArrays({
      name: test.name,
      split: 'as predicted',
      inputShape: test.inputShape,
      classNames: test.classNames,
      images: bytes,
      labels: await predicted.data(),
    });
    dispose([images, labels, logits, predicted]);
    return source;
  }
  throw new Error(`${test.name} (${test.split}) has no images.`);
}
