import { evaluate } from '@llr/attacks';
import { type Attack, type Classifier, fromFunction, linfBall, randomSource } from '@llr/core';
import { fromArrays } from '@llr/datasets';
import { useEngine } from '@llr/engine/node';
import {
  dispose,
  floor,
  matMul,
  memory,
  mul,
  reshape,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import blackBoxOfFile, { nes } from './nes.ts';
import attackOfFile, { odiPgd } from './odi-pgd.ts';

const inputShape = [2, 2, 1] as const;
/** w₁ − w₀ of a linear network with four pixels and two classes. */
const slope = [3, -1, 2, -4];
const epsilon = 0.05;
const size = 40;

// Off the walls of the box, so that the ball alone limits an attack.
const images = Uint8Array.from({ length: 4 * size }, (_, at) => 60 + ((at * at * 37) % 136));
const labels = Array.from({ length: size }, (_, i) => i % 2);
const data = fromArrays({
  name: 'four pixels',
  split: 'test',
  inputShape,
  classNames: ['a', 'b'],
  images,
  labels,
});

/** z₁ − z₀, and what the best perturbation changes it by: ε‖w₁ − w₀‖₁. */
const differences = labels.map((_, i) =>
  slope.reduce((sum, w, j) => sum + (w * images[4 * i + j]!) / 255, 0),
);
const reach = epsilon * slope.reduce((sum, w) => sum + Math.abs(w), 0);
const marginOf = (i: number) => (labels[i] === 0 ? 1 : -1) * differences[i]!;
const right = labels.map((_, i) => i).filter((i) => marginOf(i) < 0);
const breakable = right.filter((i) => marginOf(i) + reach > 0);

function linear(through: (z: Tensor) => Tensor = (z) => z): Classifier {
  const weights = variable(
    tensor2d(
      slope.flatMap((w) => [-w / 2, w / 2]),
      [4, 2],
    ),
    false,
  );
  return fromFunction((x) => through(matMul(reshape(x, [-1, 4]), weights)) as Tensor2D, {
    inputShape,
    numClasses: 2,
    name: 'linear',
  });
}

async function brokenBy(attack: Attack, classifier: Classifier) {
  const { examples } = await evaluate({
    classifier,
    data,
    attacks: [attack],
    threat: linfBall(epsilon),
    seed: 0,
    selfChecks: false,
  });
  return examples.filter(({ brokenBy }) => brokenBy === attack.name).map(({ index }) => index);
}

/** A problem of two images that are the same. */
function twice(indices: readonly number[]) {
  const logits = linear().freeze('running');
  const pair = [...images.slice(0, 4), ...images.slice(0, 4)].map((byte) => byte / 255);
  return {
    images: tensor4d(pair, [2, ...inputShape]),
    labels: tensor1d([0, 0], 'int32'),
    indices: Int32Array.from(indices),
    logits,
    threat: linfBall(epsilon),
    random: randomSource(0).forExamples(indices),
  };
}

beforeAll(async () => {
  await useEngine();
  expect(breakable.length).toBeGreaterThan(5);
  expect(right.length - breakable.length).toBeGreaterThan(5);
});

describe('odiPgd', () => {
  test('breaks exactly what can be broken in a linear network', async () => {
    expect(await brokenBy(odiPgd(), linear())).toEqual(breakable);
  });

  test('starts elsewhere for each example, and at the same place whatever its neighbours', () => {
    const found = (indices: number[]) =>
      tidy(() => {
        // One step of a millionth of ε: what is returned is the start.
        const start = odiPgd({ steps: 1, stepSize: 1e-6 }).perturb(twice(indices)) as Tensor4D;
        return [...start.dataSync()].map((value) => value.toFixed(4));
      });
    const starts = Array.from({ length: 8 }, (_, i) => found([i, i + 1]));
    expect(new Set(starts.map((pair) => pair.slice(0, 4).join())).size).toBeGreaterThan(1);
    starts.slice(1).forEach((pair, i) => {
      expect(pair.slice(0, 4)).toEqual(starts[i]!.slice(4));
    });
  });

  test('refuses what is no number of steps', () => {
    expect(() => odiPgd({ steps: 0 })).toThrow('steps must be 1 or more; got 0');
  });
});

describe('nes', () => {
  test('breaks almost all that can be broken in a linear network, and nothing else', async () => {
    const broken = await brokenBy(nes(), linear());
    expect(breakable).toEqual(expect.arrayContaining(broken));
    expect(broken.length).toBeGreaterThanOrEqual(breakable.length - 1);
  });

  test('needs no gradient: breaks a network of steps, where odiPgd finds nothing to follow', async () => {
    const inSteps = () => linear((z) => mul(floor(mul(z, 50)), 1 / 50));
    const broken = await brokenBy(nes({ sigma: 0.03 }), inSteps());
    const byGradient = await brokenBy(odiPgd({ restarts: 1 }), inSteps());
    expect(broken.length).toBeGreaterThan(byGradient.length);
  });
});

test('what they return is all that is left behind', () => {
  const problem = twice([0, 1]);
  const before = memory().numTensors;
  const attack = nes();
  const state = attack.begin(problem);
  const next = attack.advance(problem, state);
  dispose([odiPgd().perturb(problem) as Tensor4D, state.perturbation!, next.perturbation!]);
  expect(memory().numTensors).toBe(before);
});

test('what llr eval is given by each file', () => {
  expect([attackOfFile.name, blackBoxOfFile.name]).toEqual(['odi-pgd-20', 'nes-30']);
});
