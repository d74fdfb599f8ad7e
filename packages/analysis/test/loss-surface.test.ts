import { type PerExampleLoss, randomSource } from '@llr/core';
import { memory, mul, sum, type Tensor1D, tensor4d } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { departureFromPlane, lossSurface } from '../src/index.ts';
import { dot, maxAbs } from '../src/numbers.ts';
import { rademacherDirection } from '../src/rademacher-direction.ts';
import { affineClassifier, wave } from './affine-classifier.ts';
import { denseNetwork, softmax } from './dense-network.ts';

const shape = [4, 4, 1] as const;
const pixels = 16;
const weights = Array.from({ length: pixels }, (_, i) => wave(3, i, 2));
const bias = [0.3, -0.2, 0.1];
const classifier = affineClassifier(shape, weights, bias);
const image = wave(pixels, 1, 0.4).map((x) => x + 0.5);
const delta = Float32Array.from(wave(pixels, 2), (d) => 0.1 * Math.sign(d));

const logitsAt = (x: readonly number[]) =>
  bias.map((b, k) => b + x.reduce((total, pixel, i) => total + pixel * weights[i]![k]!, 0));
const crossEntropyAt = (x: readonly number[], label: number) => {
  const z = logitsAt(x);
  return Math.log(z.reduce((total, one) => total + Math.exp(one), 0)) - z[label]!;
};
/** Linear in the logits, so that the surface of an affine network is a plane. */
const firstLogit: PerExampleLoss = (logits) => sum(mul(logits, [[1, 0, 0]]), 1) as Tensor1D;

describe('lossSurface', () => {
  it('is ℓ(x) in the centre and ℓ(x + δ) at (1, 0), by the closed form', async () => {
    const surface = await lossSurface({
      classifier,
      image,
      label: 2,
      direction: delta,
      seed: 3,
      grid: 7,
    });
    const row = surface.values[3]!;
    expect(surface.epsilon).toBeCloseTo(0.1, 7);
    surface.adversarial.forEach((u, j) => {
      const at = image.map((pixel, i) => pixel + u * delta[i]!);
      expect(row[j]).toBeCloseTo(crossEntropyAt(at, 2), 4);
    });
    expect(surface.adversarial).toEqual([
      -1,
      expect.closeTo(-2 / 3),
      expect.closeTo(-1 / 3),
      0,
      expect.closeTo(1 / 3),
      expect.closeTo(2 / 3),
      1,
    ]);
    expect(surface.loss).toBe('cross-entropy');
  });

  it('is the known plane for an affine network and a linear loss', async () => {
    const surface = await lossSurface({
      classifier,
      image,
      label: 0,
      direction: delta,
      seed: 5,
      grid: 9,
      extent: 2,
      loss: firstLogit,
      batchSize: 10,
    });
    const r = rademacherDirection(
      delta,
      surface.epsilon,
      randomSource(5).fork('loss-surface'),
      maxAbs,
    );
    const slope = (direction: Float32Array) =>
      dot(
        direction,
        weights.map((row) => row[0]!),
      );
    const centre = logitsAt(image)[0]!;
    surface.random.forEach((v, i) => {
      surface.adversarial.forEach((u, j) => {
        expect(surface.values[i]![j]).toBeCloseTo(centre + u * slope(delta) + v * slope(r), 4);
      });
    });
    expect(departureFromPlane(surface)).toBeLessThan(1e-4);
  });

  it('is what double precision makes of a network with a hidden layer', async () => {
    const x = wave(denseNetwork.pixels, 3, 0.4).map((pixel) => Math.fround(pixel + 0.5));
    const direction = Float32Array.from(wave(denseNetwork.pixels, 8, 0.3));
    const surface = await lossSurface({
      classifier: denseNetwork.classifier(),
      image: x,
      index: 126,
      label: 1,
      direction,
      seed: 9,
      grid: 11,
      extent: 1.5,
    });
    expect(surface.index).toBe(126);
    expect(JSON.parse(JSON.stringify(surface))).toEqual(surface);
    const r = rademacherDirection(
      direction,
      surface.epsilon,
      randomSource(9).fork('loss-surface'),
      maxAbs,
    );
    surface.random.forEach((v, i) => {
      surface.adversarial.forEach((u, j) => {
        const at = x.map((pixel, k) => pixel + u * direction[k]! + v * r[k]!);
        const expected = -Math.log(softmax(denseNetwork.at(at).logits)[1]!);
        expect(Math.abs(surface.values[i]![j]! - expected)).toBeLessThan(1e-5 * (1 + expected));
      });
    });
  });

  it('has a random direction of the same Euclidean size, where that is asked for', async () => {
    const surface = await lossSurface({
      classifier,
      image,
      label: 0,
      direction: delta,
      norm: 'l2',
      seed: 5,
      grid: 3,
      loss: firstLogit,
    });
    expect(surface.norm).toBe('l2');
    // 16 entries of ±0.1.
    expect(surface.epsilon).toBeCloseTo(0.4, 6);
    const euclidean = (numbers: ArrayLike<number>) => Math.hypot(...Array.from(numbers));
    const r = rademacherDirection(delta, 0.4, randomSource(5).fork('loss-surface'), euclidean);
    expect(euclidean(r)).toBeCloseTo(0.4, 6);
    expect(dot(r, delta)).toBeCloseTo(0, 6);
    const slope = dot(
      r,
      weights.map((row) => row[0]!),
    );
    expect(surface.values[2]![1]! - surface.values[1]![1]!).toBeCloseTo(slope, 4);
  });

  it('tells how far it is, and stops when told to', async () => {
    const stop = new AbortController();
    const done: number[] = [];
    const before = memory().numTensors;
    const stopped = lossSurface({
      classifier,
      image,
      label: 0,
      direction: delta,
      seed: 0,
      grid: 5,
      batchSize: 10,
      signal: stop.signal,
      onProgress: (progress) => {
        done.push(progress.done);
        if (progress.done === 20) stop.abort(new Error('Enough.'));
      },
    });
    await expect(stopped).rejects.toThrow('Enough.');
    expect(done).toEqual([10, 20]);
    expect(memory().numTensors).toBe(before);
  });

  it('depends on the seed, and only on it', async () => {
    const of = (seed: number, batchSize: number) =>
      lossSurface({ classifier, image, label: 1, direction: delta, seed, grid: 5, batchSize });
    const [a, b, other] = [await of(1, 8), await of(1, 25), await of(2, 25)];
    expect(b.values.flat().map((x) => x.toFixed(5))).toEqual(
      a.values.flat().map((x) => x.toFixed(5)),
    );
    expect(other.values[0]).not.toEqual(a.values[0]);
    expect(other.values[2]).toEqual(b.values[2]);
  });

  it('takes tensors, and leaves only them behind', async () => {
    const x = tensor4d(image, [1, ...shape]);
    const d = tensor4d(delta, [1, ...shape]);
    const before = memory().numTensors;
    const surface = await lossSurface({
      classifier,
      image: x,
      label: 0,
      direction: d,
      seed: 0,
      grid: 3,
    });
    expect(memory().numTensors).toBe(before);
    expect(surface.values[1]![1]).toBeCloseTo(crossEntropyAt(image, 0), 4);
  });

  it.each([
    ['an even grid', { grid: 10 }, /odd/],
    ['a class that is none', { label: 3 }, /classes 0 to 2/],
    ['no direction', { direction: new Float32Array(pixels) }, /0 everywhere/],
    ['another image size', { image: [0, 1] }, /16 numbers, but the image has 2/],
    [
      'a pixel that is no number',
      { image: image.map((x, i) => (i === 4 ? Number.NaN : x)) },
      /Number 4 of the image is NaN/,
    ],
    ['an extent of 0', { extent: 0 }, /extent/],
    ['no batch', { batchSize: 0 }, /batchSize/],
  ])('refuses %s', async (_, wrong, message) => {
    const right = { classifier, image, label: 0, direction: delta, seed: 0, grid: 5 };
    await expect(lossSurface({ ...right, ...wrong })).rejects.toThrow(message);
  });

  it('refuses a network that gives no number', async () => {
    const broken = affineClassifier(
      shape,
      weights.map((row) => row.map(() => Number.NaN)),
      bias,
    );
    const before = memory().numTensors;
    await expect(
      lossSurface({ classifier: broken, image, label: 0, direction: delta, seed: 0, grid: 3 }),
    ).rejects.toThrow(/NaN at \(-1, -1\)/);
    expect(memory().numTensors).toBe(before);
  });
});

describe('rademacherDirection', () => {
  it('is orthogonal to δ and of its size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 30, maxLength: 60 }),
        fc.nat(),
        (numbers, seed) => {
          const direction = Float32Array.from(numbers);
          fc.pre(maxAbs(direction) > 1e-3);
          const r = rademacherDirection(direction, 0.1, randomSource(seed), maxAbs);
          expect(maxAbs(r)).toBeCloseTo(0.1, 6);
          expect(Math.abs(dot(r, direction))).toBeLessThan(1e-6 * direction.length);
        },
      ),
    );
  });

  it('is ±ε wherever δ is 0', () => {
    const direction = new Float32Array(40);
    direction[7] = 0.5;
    const r = rademacherDirection(direction, 0.25, randomSource(1), maxAbs);
    expect(r[7]).toBe(0);
    expect(new Set(r.filter((_, i) => i !== 7))).toEqual(new Set([0.25, -0.25]));
  });
});

describe('departureFromPlane', () => {
  it('is the largest distance from the least-squares plane', () => {
    const axis = [-1, 0, 1];
    // A plane and x² − 2/3, which least squares leaves alone: ±1/3 at the edges, 2/3 in the middle.
    const values = axis.map((v) => axis.map((u) => 5 + 2 * u - v + u ** 2));
    const surface = {
      adversarial: axis,
      random: axis,
      values,
      epsilon: 0.1,
      label: 0,
      loss: '',
      seed: 0,
    };
    expect(departureFromPlane(surface)).toBeCloseTo(2 / 3, 12);
  });
});
