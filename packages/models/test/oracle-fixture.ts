import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  crossEntropy,
  linearize,
  linfBall,
  type NominalPass,
  randomSource,
  type TrainableClassifier,
  type TrainContext,
} from '@llr/core';
import { holdingConstants, inputGradient } from '@llr/engine';
import {
  type Scalar,
  scalar,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { decodeSafetensors } from '../src/weights/safetensors.ts';

/** What tools/oracle/make_fixtures.py computed for one network in float64, at one batch and perturbation. */
export interface OracleFixture {
  config: object;
  labels: number[];
  epsilon: number;
  nominalWeight: number;
  lambda: number;
  mu: number;
  logits: number[][];
  runningLogits: number[][];
  loss: number[];
  lossPerturbed: number[];
  directional: number[];
  error: number[];
  llrObjective: number;
  advObjective: number;
  /** images, perturbation, inputGradient, recorded/…, llr/… and adv/… (gradients of the two objectives). */
  arrays: Map<string, { shape: readonly number[]; values: Float32Array }>;
}

export const fixturePath = (file: string) =>
  fileURLToPath(new URL(`fixtures/${file}`, import.meta.url));

export async function oracleFixture(name: string): Promise<OracleFixture> {
  const plain = JSON.parse(await readFile(fixturePath(`${name}.json`), 'utf8'));
  const file = `${name}.expected.safetensors`;
  return { ...plain, arrays: decodeSafetensors(await readFile(fixturePath(file)), file) };
}

/** The fixture's images, labels and perturbation as tensors. */
export function batchOf({ arrays, labels }: OracleFixture) {
  const image = (name: string) => {
    const { shape, values } = arrays.get(name)!;
    return tensor4d(values, shape as Tensor4D['shape']);
  };
  return {
    images: image('images'),
    labels: tensor1d(labels, 'int32'),
    perturbation: image('perturbation'),
  };
}

/** ‖found − expected‖ / ‖expected‖, of a tensor and an array of any nesting. */
export function relativeError(found: Tensor, expected: ArrayLike<number> | number[][]): number {
  const values = found.dataSync();
  const reference =
    expected instanceof Float32Array ? expected : Array.from(expected as number[]).flat();
  if (values.length !== reference.length) return Number.NaN;
  let [difference, size] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    difference += (values[i]! - reference[i]!) ** 2;
    size += reference[i]! ** 2;
  }
  return Math.sqrt(difference / size);
}

export type Batch = ReturnType<typeof batchOf>;

/** A training step's context, as small as it can be. */
export function contextOf(
  model: TrainableClassifier,
  { images, labels }: Batch,
  nominal: NominalPass,
): TrainContext {
  const indices = Int32Array.from({ length: images.shape[0] }, (_, row) => row);
  return {
    images,
    labels,
    indices,
    threat: linfBall(1),
    random: randomSource(0).forExamples(indices),
    step: scalar(0),
    epoch: scalar(0),
    loss: crossEntropy,
    nominal,
    forward: (at, use) => model.forward(at, model.statistics === 'running' ? 'running' : use),
    freeze: (statistics) => model.freeze(statistics),
    linearization: (use) =>
      linearize((at) => model.forward(at, use).logits, images, labels, crossEntropy),
    report: () => {},
  };
}

/** The nominal pass: everything from one, in which the batch's statistics are constant for the input gradient. */
export function nominalPass(
  model: TrainableClassifier,
  { images, labels }: Pick<Batch, 'images' | 'labels'>,
  use: 'running' | 'batch' = model.statistics === 'running' ? 'running' : 'batch',
): NominalPass {
  let recorded: NominalPass['recorded'] = 'running';
  const { value, gradient, extra } = holdingConstants(() =>
    inputGradient((at: Tensor4D) => {
      const pass = model.forward(at, use);
      recorded = pass.recorded ?? 'running';
      const statistics = Object.values(pass.recorded ?? {}).flatMap(Object.values);
      const extra = { logits: pass.logits, ...Object.fromEntries(statistics.entries()) };
      return { value: crossEntropy(pass.logits, labels), extra };
    }, images),
  ).result;
  return { logits: extra.logits, loss: value as Tensor1D, inputGradient: gradient, recorded };
}

/** A scalar and its gradient for every parameter, under the parameter's name. */
export function parameterGradients(model: TrainableClassifier, objective: () => Scalar) {
  const { value, grads } = variableGrads(
    () => tidy(objective),
    model.parameters.map(({ variable }) => variable),
  );
  return {
    value,
    gradients: model.parameters.map(({ name, variable }) => ({
      name,
      gradient: grads[variable.name]!,
    })),
  };
}
