import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crossEntropy, llr, type Maximizer, randomSource } from '@llr/core';
import { loadWeights, wideResNet } from '@llr/models';
import { tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { movingAverages } from '../src/moving-averages.ts';
import { sgd } from '../src/optimizers/sgd.ts';
import { stepDecay } from '../src/schedules.ts';
import { createStepper } from '../src/stepper.ts';

/** What tools/oracle/make_recipe_fixture.py computed in float64. */
interface Fixture {
  images: number[][][][];
  labels: number[];
  steps: number;
  stepsPerEpoch: number;
  microBatchSize: number;
  learningRate: number;
  decayedAt: number[];
  momentum: number;
  weightDecay: number;
  epsilon: number;
  averaging: number;
  nominalWeight: number;
  lambda: number;
  mu: number;
  mean: [number, number, number];
  std: [number, number, number];
  objectives: number[];
  state: Record<string, number[]>;
  averages: Record<string, number[]>;
}

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const fixture: Fixture = JSON.parse(readFileSync(path('fixtures/recipe.json'), 'utf8'));

const batchSize = 7;

/** Images `[7, 8, 8, 3]` in [0, 1], and their perturbations: up at even bytes, down at odd ones. */
function batchAt(step: number) {
  const from = batchSize * (step % 2);
  const bytes = fixture.images.slice(from, from + batchSize).flat(3);
  const pixels = bytes.map((byte) => byte / 255);
  const moved = bytes.map((byte, i) => {
    const perturbed = pixels[i]! + fixture.epsilon * (byte % 2 === 0 ? 1 : -1);
    return Math.min(1, Math.max(0, perturbed)) - pixels[i]!;
  });
  return {
    images: tensor4d(pixels, [batchSize, 8, 8, 3]),
    labels: tensor1d(fixture.labels.slice(from, from + batchSize), 'int32'),
    indices: Int32Array.from({ length: batchSize }, (_, i) => from + i),
    moved,
  };
}

/** As the fixture's `sample`. */
const sample = (values: ArrayLike<number>) =>
  Array.from({ length: 8 }, (_, i) => values[Math.floor((i * (values.length - 1)) / 7)]!);

it('the recipe of F.2 with gradient accumulation and averages goes as in PyTorch', async () => {
  const { microBatchSize, momentum, weightDecay, averaging, lambda, mu, nominalWeight } = fixture;
  const classifier = wideResNet({
    depth: 10,
    widthFactor: 1,
    numClasses: 10,
    inputShape: [8, 8, 3],
    mean: fixture.mean,
    std: fixture.std,
  });
  await loadWeights(classifier, path('../../models/test/fixtures/wrn-10-1.weights.safetensors'));
  // The perturbations of each example, by its index.
  const perturbations = [0, 1].flatMap((step) => batchAt(step).moved);
  const given: Maximizer = {
    name: 'given',
    maximize: ({ images, indices }) => {
      const rows = Array.from(indices, (index) =>
        perturbations.slice(192 * index, 192 * (index + 1)),
      );
      const perturbation = tensor4d(rows.flat(), images.shape);
      return { perturbation, value: tensor1d(rows.map(() => 0)) };
    },
  };
  const optimizer = sgd({ momentum, weightDecay })(classifier.parameters);
  const averages = movingAverages(classifier.parameters, { decay: averaging });
  const stepper = createStepper(
    {
      classifier,
      regularizers: [llr({ lambda, mu, nominalWeight, maximizer: given }) as never],
      optimizer,
      averages,
      loss: crossEntropy,
      random: randomSource(0),
      microBatchSize,
    },
    { compiled: false },
  );
  const rate = stepDecay(fixture.learningRate, fixture.decayedAt);
  for (let step = 0; step < fixture.steps; step++) {
    const epoch = step / fixture.stepsPerEpoch;
    const learningRate = rate(epoch, 2);
    const { epsilon } = fixture;
    const { objective } = stepper.step({
      batch: batchAt(step),
      step,
      epoch,
      epsilon,
      learningRate,
    });
    expect(objective! / fixture.objectives[step]!).toBeCloseTo(1, 4);
  }
  const found = new Map(stepper.state.map(({ name, variable }) => [name, variable.dataSync()]));
  const expected = [
    ...Object.entries(fixture.state),
    ...Object.entries(fixture.averages).map(([name, value]) => [`average/${name}`, value] as const),
  ];
  expect(expected.length).toBeGreaterThan(60);
  for (const [name, values] of expected) {
    const here = sample(found.get(name)!);
    const largest = Math.max(...values.map(Math.abs));
    for (const [i, value] of values.entries()) {
      expect(Math.abs(here[i]! - value) / largest, `${name}, ${i}`).toBeLessThan(1e-4);
    }
  }
  stepper.dispose();
  for (const each of [optimizer, averages, classifier]) each.dispose();
});
