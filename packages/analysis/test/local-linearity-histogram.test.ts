import { type ImageSource, linfBall, projectedAscent } from '@llr/core';
import { memory } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type ExampleGamma, localLinearityHistogram } from '../src/index.ts';
import { affineClassifier, wave } from './affine-classifier.ts';
import { madeUpSource } from './made-up-source.ts';

const shape = [3, 3, 1] as const;
const pixels = 9;
const epsilon = 0.1;
const w = wave(pixels, 4, 3);
// Two classes: ℓ of class 0 is softplus(s), s = wᵀx + b.
const bias = 0.4;
const classifier = affineClassifier(
  shape,
  w.map((weight) => [0, weight]),
  [0, bias],
);
const images = Array.from({ length: 5 }, (_, i) => wave(pixels, i, 0.3).map((x) => x + 0.5));

const source = (all: readonly (readonly number[])[]) =>
  madeUpSource(
    shape,
    all,
    all.map(() => 0),
    ['a', 'b'],
  );

const softplus = (s: number) => Math.log1p(Math.exp(s));
const total = epsilon * w.reduce((sum, weight) => sum + Math.abs(weight), 0);
/** g at the two corners of the ball where |wᵀδ| is largest: g is convex in wᵀδ, so γ is the larger. */
const corners = (image: readonly number[]) => {
  const s = bias + image.reduce((sum, x, i) => sum + x * w[i]!, 0);
  return [total, -total].map((t) => softplus(s + t) - softplus(s) - t / (1 + Math.exp(-s)));
};

describe('localLinearityHistogram', () => {
  it('finds γ of a logistic model, which has a closed form', async () => {
    const found = await localLinearityHistogram({
      classifier,
      data: source(images),
      threat: linfBall(epsilon),
      seed: 1,
      batchSize: 2,
    });
    expect(found.examples.map(({ index }) => index)).toEqual([100, 101, 102, 103, 104]);
    found.examples.forEach(({ gamma }, i) => {
      // Ascent may end in either corner: both are local maxima.
      const nearest = Math.min(...corners(images[i]!).map((corner) => Math.abs(corner - gamma)));
      expect(nearest).toBeLessThan(1e-4);
    });
    const roots = found.examples.map(({ gamma }) => Math.sqrt(gamma)).sort((a, b) => a - b);
    expect(found.sqrtGamma.mean).toBeCloseTo(roots.reduce((sum, x) => sum + x) / 5, 10);
    const at = (q: number) => found.sqrtGamma.quantiles.find((one) => one.q === q)!.value;
    expect([at(0), at(0.25), at(0.5), at(1)]).toEqual([roots[0], roots[1], roots[2], roots[4]]);
    expect(found.threat).toEqual({ name: 'linf', epsilon: expect.closeTo(epsilon, 7) });
  });

  it("doesn't depend on neighbours in the batch, frees everything and tells how far it is", async () => {
    const threat = linfBall(epsilon);
    const maximizer = projectedAscent({ stepSize: 0.05, steps: 3, keep: 'best' });
    const before = memory().numTensors;
    const progress: number[] = [];
    const of = async (data: ImageSource) =>
      (
        await localLinearityHistogram({
          classifier,
          data,
          threat,
          maximizer,
          seed: 2,
          batchSize: 3,
          onProgress: ({ done }) => progress.push(done),
        })
      ).examples;
    const all = await of(source(images));
    const first = await of(source(images.slice(0, 1)));
    expect(first).toEqual(all.slice(0, 1));
    expect(progress).toEqual([3, 5, 1]);
    expect(memory().numTensors).toBe(before);
  });

  it('goes on from its journal to the same bytes, whenever it was stopped', async () => {
    const threat = linfBall(epsilon);
    const maximizer = projectedAscent({ stepSize: 0.05, steps: 3, keep: 'best' });
    const options = { classifier, data: source(images), threat, maximizer, seed: 3, batchSize: 2 };
    const whole = JSON.stringify(await localLinearityHistogram(options));
    for (const batches of [1, 2]) {
      const kept: ExampleGamma[] = [];
      const stop = new AbortController();
      const stopped = localLinearityHistogram({
        ...options,
        signal: stop.signal,
        journal: { restored: [], record: async (batch) => void kept.push(...batch) },
        onProgress: ({ done }) => done === 2 * batches && stop.abort(new Error('Enough.')),
      });
      await expect(stopped).rejects.toThrow('Enough.');
      expect(kept).toHaveLength(2 * batches);
      const recorded: number[] = [];
      const goneOn = await localLinearityHistogram({
        ...options,
        journal: {
          restored: JSON.parse(JSON.stringify(kept)),
          record: async (batch) => void recorded.push(batch.length),
        },
      });
      expect(recorded).toEqual([2, 2, 1].slice(batches));
      expect(JSON.stringify(goneOn)).toBe(whole);
    }
    const { examples } = JSON.parse(whole);
    const journal = { restored: examples, record: () => Promise.reject(new Error('More?')) };
    expect(JSON.stringify(await localLinearityHistogram({ ...options, journal }))).toBe(whole);
  });

  it('refuses a journal of other batches', async () => {
    const journal = { restored: [{ index: 100, gamma: 1 }], record: async () => {} };
    const threat = linfBall(epsilon);
    const options = { classifier, data: source(images), threat, seed: 3, batchSize: 2 };
    await expect(localLinearityHistogram({ ...options, journal })).rejects.toThrow(
      /1 images, which is no number of batches of 2/,
    );
  });

  it('names the image whose γ is no number', async () => {
    const broken = affineClassifier(
      shape,
      w.map((weight) => [0, weight]),
      [0, Number.NaN],
    );
    await expect(
      localLinearityHistogram({
        classifier: broken,
        data: source(images),
        threat: linfBall(0.1),
        seed: 0,
        batchSize: 5,
      }),
    ).rejects.toThrow(/image 100 of made up \(test\)/);
  });

  it.each([
    ['an empty source', { data: source([]) }, /no images/],
    [
      'another shape',
      { data: { ...source(images), inputShape: [3, 3, 3] as const } },
      /3 × 3 × 1, but made up has 3 × 3 × 3/,
    ],
    ['no batch', { batchSize: 0 }, /batchSize must be a whole number from 1/],
    ['a radius for each image', { threat: linfBall([0.1, 0.2]) }, /one ε/],
  ])('refuses %s', async (_, wrong, message) => {
    const right = { classifier, data: source(images), threat: linfBall(epsilon), seed: 0 };
    await expect(localLinearityHistogram({ ...right, ...wrong })).rejects.toThrow(message);
  });
});
