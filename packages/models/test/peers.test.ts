import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crossEntropy, type RecordedStatistics } from '@llr/core';
import {
  dispose,
  keep,
  mean,
  type Scalar,
  slice4d,
  tensor1d,
  train as trainers,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { requires } from '../../../tools/requires.ts';
import {
  type ConfiguredClassifier,
  createModel,
  loadModel,
  loadWeights,
  type ResNetConfig,
  saveModel,
  saveWeights,
  type WideResNetConfig,
} from '../src/index.ts';
import { withoutInitialWeights } from '../src/network-builder.ts';
import {
  type Batch,
  batchOf,
  type Case,
  casesIn,
  type Outcome,
  outcomeOf,
  type PeerDescription,
  readArrays,
  relativeError,
  trainingBatch,
  writeOutcome,
} from './peers-files.ts';

// Weights of other people's PyTorch networks here, and weights of networks here for theirs, through files that
// tools/oracle/peers.py wrote before and reads after.

const folder = process.env.LLR_PEERS;
const cases = folder ? casesIn(join(folder, 'theirs')) : [];

it('has the networks of other people', ({ skip }) => {
  requires('peers', skip);
  expect(cases.length).toBeGreaterThan(0);
});

/** Without the folder, the test above is skipped for all of these. */
function describeWithFolder(name: string, tests: () => void): void {
  if (folder) describe(name, tests);
}

/** Of logits; of a gradient too, where nothing has a kink. */
const tolerance = 1e-4;
/** Of a gradient where ReLUs or maxima switch at a rounding error. Other windows move it by more than its own length. */
const toleranceOfKinks = 0.1;
/** What other padding changes at least. */
const visible = 0.02;

describeWithFolder('theirs, here', () => {
  it.each(cases)('$name gives the same logits and input gradient', async (its) => {
    const model = await load(its);
    const [batch, expected] = readCase(its);
    const found = outcomeOf(model, batch);
    const logits = relativeError(found.logits, expected.logits);
    const inputGradient = relativeError(found.inputGradient, expected.inputGradient);
    if (process.env.ORACLE_REPORT) {
      console.log(
        `${its.name}: ${shown({ logits, inputGradient })}; PyTorch: ${shown(its.errorOfFloat32)}`,
      );
    }
    model.dispose();
    dispose({ ...batch });
    const { errorOfFloat32: own } = its;
    const ofGradient = its.smooth ? tolerance : toleranceOfKinks;
    expect(logits).toBeLessThan(Math.max(tolerance, 4 * own.logits));
    expect(inputGradient).toBeLessThan(Math.max(ofGradient, 4 * own.inputGradient));
  });

  const controls = cases.filter(({ name }) =>
    [
      'torchvision-resnet-18',
      'robustbench-resnet-18',
      'robustbench-wrn-16-2',
      'deepmind-wrn-16-2',
    ].includes(name),
  );
  it.each(controls)('$name would show other padding', async (its) => {
    const [batch, expected] = readCase(its);
    const other = await withOtherPadding(its);
    const { logits } = outcomeOf(other, batch);
    other.dispose();
    dispose({ ...batch });
    expect(relativeError(logits, expected.logits)).toBeGreaterThan(visible);
  });

  it('at odd sizes all the way down, both paddings are the same', async () => {
    const odd = cases.find(({ name }) => name === 'torchvision-resnet-34-odd')!;
    const [batch, expected] = readCase(odd);
    const other = await withOtherPadding(odd);
    const { logits } = outcomeOf(other, batch);
    other.dispose();
    dispose({ ...batch });
    expect(relativeError(logits, expected.logits)).toBeLessThan(tolerance);
  });
});

const weightsFile = 'weights.safetensors';

async function load({ ours, folder }: Case): Promise<ConfiguredClassifier> {
  if (!ours) return loadModel(folder);
  const model = withoutInitialWeights(() => createModel(ours));
  await loadWeights(model, join(folder, weightsFile));
  return model;
}

function readCase({ folder, labels }: Case): [Batch, Outcome<Float32Array>] {
  const array = readArrays(join(folder, 'expected.safetensors'));
  const expected = {
    logits: array('logits').values,
    inputGradient: array('inputGradient').values,
  };
  return [batchOf(array('images'), labels), expected];
}

/** The same weights where they don't belong. Under their own names that would be refused. */
async function withOtherPadding(its: Case): Promise<ConfiguredClassifier> {
  const model = await load(its);
  const ours = its.ours as WideResNetConfig | ResNetConfig;
  const padding = ours.padding === 'same' ? 'symmetric' : 'same';
  const other = withoutInitialWeights(() => createModel({ ...ours, padding }));
  await expect(loadWeights(other, join(its.folder, weightsFile))).rejects.toThrow(/padding/);
  await move(model, other, join(its.folder, 'own.safetensors'));
  model.dispose();
  return other;
}

/** Through a file, under this package's names. */
async function move(from: ConfiguredClassifier, to: ConfiguredClassifier, file: string) {
  await saveWeights(from, file);
  await loadWeights(to, file);
  await rm(file);
}

const shown = ({ logits, inputGradient }: Outcome<number>) =>
  `logits ${logits.toExponential(1)}, gradient ${inputGradient.toExponential(1)}`;

/** A network here, and the one of somebody else's that takes its weights. */
interface Pair extends Pick<PeerDescription, 'peer'> {
  readonly options: Record<string, unknown>;
}

interface Network extends Pair {
  readonly name: string;
  readonly pixels?: PeerDescription['pixels'];
  readonly smooth?: boolean;
}

describeWithFolder('ours, for them', () => {
  const numClasses = 10;
  const cifar10 = { mean: [0.4914, 0.4822, 0.4465], std: [0.2471, 0.2435, 0.2616] };
  const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const resNet = (peer: string, depth: number, size: number, change: object = {}): Pair => {
    const options = { activation: 'relu', inputShape: [size, size, 3], ...change };
    return {
      options: { architecture: 'resnet', depth, numClasses, ...options },
      peer: { peer, depth, numClasses, activation: options.activation },
    };
  };
  const wide = (peer: string, depth: number, widthFactor: number, change: object = {}): Pair => {
    const options = { activation: 'relu', ...change };
    return {
      options: { architecture: 'wide-resnet', depth, widthFactor, numClasses, ...options },
      peer: { peer, depth, widthFactor, numClasses, activation: options.activation },
    };
  };
  const networks: readonly Network[] = [
    { name: 'torchvision-resnet-18', ...resNet('torchvision', 18, 64, imageNet), pixels: imageNet },
    { name: 'torchvision-resnet-18-odd', ...resNet('torchvision', 18, 65) },
    {
      name: 'torchvision-resnet-18-softplus',
      ...resNet('torchvision', 18, 64, { activation: 'softplus' }),
    },
    { name: 'torchvision-resnet-50', ...resNet('torchvision', 50, 64) },
    { name: 'timm-resnet-50-softplus', ...resNet('timm', 50, 64, { activation: 'softplus' }) },
    { name: 'robustbench-resnet-18', ...resNet('robustbench-resnet', 18, 32, { stem: 'cifar' }) },
    { name: 'robustbench-wrn-10-1', ...wide('robustbench-wide-resnet', 10, 1) },
    { name: 'robustbench-wrn-16-2', ...wide('robustbench-wide-resnet', 16, 2) },
    {
      name: 'robustbench-wrn-16-2-softplus',
      ...wide('robustbench-wide-resnet', 16, 2, { activation: 'softplus' }),
      smooth: true,
    },
    {
      name: 'deepmind-wrn-16-2',
      ...wide('deepmind-wide-resnet', 16, 2, { activation: 'silu', padding: 'same', ...cifar10 }),
      smooth: true,
    },
  ];
  const controls = ['torchvision-resnet-18', 'robustbench-wrn-16-2'];

  it.each(networks)('writes $name, trained a little', async (its) => {
    const { name, options, peer, pixels = null, smooth = false } = its;
    const model = createModel(options);
    const batch = trainingBatch(folder!, model.inputShape[0]);
    train(model, batch);
    const target = join(folder!, 'ours', name);
    await saveModel(model, target, { naming: 'pytorch' });
    const description: PeerDescription = {
      peer,
      pixels,
      control: false,
      smooth,
    };
    const two = firstTwo(batch, numClasses);
    await writeOutcome(target, description, two, outcomeOf(model, two));
    if (controls.includes(name)) {
      const other = withoutInitialWeights(() => createModel({ ...options, padding: 'same' }));
      await move(model, other, join(target, 'own.safetensors'));
      const control = join(folder!, 'ours', `${name}-padded-otherwise`);
      await saveModel(model, control, { naming: 'pytorch' });
      await writeOutcome(control, { ...description, control: true }, two, outcomeOf(other, two));
      other.dispose();
    }
    model.dispose();
    dispose([two.images, two.labels, batch.images, batch.labels]);
  });
});

/** A few steps of Adam, each followed by one of the running statistics. */
function train(model: ConfiguredClassifier, { images, labels }: Batch): void {
  const optimizer = trainers.adam(1e-3);
  const variables = model.parameters.map(({ variable }) => variable);
  const losses = Array.from({ length: 4 }, () => {
    let recorded: RecordedStatistics = {};
    const forward = () => {
      const pass = model.forward(images, 'batch');
      recorded = pass.recorded!;
      for (const layer of Object.values(recorded)) Object.values(layer).forEach(keep);
      return mean<Scalar>(crossEntropy(pass.logits, labels));
    };
    const value = optimizer.minimize(forward, true, variables)!;
    model.updateRunning(recorded);
    const [loss] = value.dataSync();
    dispose([value, ...Object.values(recorded).flatMap(Object.values)]);
    return loss!;
  });
  optimizer.dispose();
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
}

/** With labels that were not trained: the loss of those that were may be 0, and its gradient lost in rounding. */
function firstTwo({ images, labels }: Batch, numClasses: number): Batch {
  const others = [...labels.dataSync()].map((label) => (label + 1) % numClasses);
  return {
    images: slice4d(images, [0, 0, 0, 0], [2, -1, -1, -1]),
    labels: tensor1d(others.slice(0, 2), 'int32'),
  };
}
