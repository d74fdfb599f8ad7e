import { readFile } from 'node:fs/promises';
import {
  add,
  dispose,
  matMul,
  reshape,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  tidy,
  type Variable,
  variable,
} from '@tensorflow/tfjs-core';
import {
  describeAgainstOracle,
  engines,
  type OracleArray,
  type OracleSubject,
  type OracleValues,
} from './oracle-checks.ts';

type Nested = number | Nested[];
type Perceptron = OracleValues & Record<'weights' | 'arrays', Record<string, Nested>>;

/** The tanh perceptron of tools/oracle, which has no statistics. */
async function perceptron(): Promise<OracleSubject> {
  const file = new URL('fixtures/perceptron.json', import.meta.url);
  const values: Perceptron = JSON.parse(await readFile(file, 'utf8'));
  const weights: Record<string, Variable> = Object.fromEntries(
    Object.entries(values.weights).map(([name, value]) => [
      name,
      tidy(() => variable(tensor(value as number[]))),
    ]),
  );
  const layer = (name: string, at: Tensor2D): Tensor2D =>
    add(matMul(at, weights[`${name}/weights`] as Tensor2D), weights[`${name}/bias`]!);
  const logits = (images: Tensor4D) =>
    tidy(() => layer('logits', tanh(layer('hidden', reshape(images, [images.shape[0], -1])))));
  return {
    values,
    arrays: new Map(Object.entries(values.arrays).map(([path, value]) => [path, arrayOf(value)])),
    parameters: Object.entries(weights).map(([name, weight]) => ({
      name,
      variable: weight,
      decay: false,
    })),
    forward: (images) => ({ logits: logits(images) }),
    logits,
    dispose: () => dispose(weights),
  };
}

function arrayOf(value: Nested): OracleArray {
  const shape: number[] = [];
  for (let part = value; typeof part !== 'number'; part = part[0]!) shape.push(part.length);
  return { shape, values: flatten(value) };
}

const flatten = (value: Nested): number[] =>
  typeof value === 'number' ? [value] : value.flatMap(flatten);

for (const engine of engines) describeAgainstOracle('a perceptron', engine, perceptron);
