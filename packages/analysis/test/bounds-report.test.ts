import {
  type Classifier,
  fromFunction,
  linfBall,
  type Maximizer,
  projectedAscent,
  randomSource,
} from '@llr/core';
import {
  customGrad,
  memory,
  mul,
  reshape,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor4d,
  tile,
  zeros,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BoundPair, type BoundsReport, boundsReport } from '../src/index.ts';
import { wave } from './affine-classifier.ts';
import { denseNetwork, inner, softmax } from './dense-network.ts';
import { madeUpSource } from './made-up-source.ts';

const { inputShape, pixels, classes } = denseNetwork;
const epsilon = 0.25;
const images = Array.from({ length: 5 }, (_, i) =>
  wave(pixels, i, 0.24).map((x) => Math.fround(x + 0.5)),
);
const labels = [0, 2, 1, 2, 0];
const data = madeUpSource(inputShape, images, labels);
const classifier = denseNetwork.classifier();
const delta = wave(pixels, 40).map((x) => Math.fround(0.24 * Math.sign(x)));

/** Finds the same δ always, and 0 as the objective's value. */
const fixed: Maximizer = {
  name: 'fixed',
  maximize: ({ images: { shape } }) => ({
    perturbation: tile(tensor4d(delta, [1, ...inputShape]), [shape[0], 1, 1, 1]),
    value: zeros([shape[0]]) as Tensor1D,
  }),
};

/** Both sides of the four inequalities in double precision, with J and H written out; γ is g at the δ that are given. */
function sides(x: readonly number[], label: number, deltas: readonly (readonly number[])[]) {
  const { logits, jacobian } = denseNetwork.at(x);
  const target = Array.from({ length: classes }, (_, k) => (k === label ? 1 : 0));
  const losses = {
    crossEntropy: {
      of: (z: readonly number[]) => -Math.log(softmax(z)[label]!),
      gradient: softmax(logits).map((p, k) => p - target[k]!),
      hessian: (i: number, j: number) => {
        const p = softmax(logits);
        return (i === j ? p[i]! : 0) - p[i]! * p[j]!;
      },
    },
    squaredError: {
      of: (z: readonly number[]) => z.reduce((sum, one, k) => sum + (one - target[k]!) ** 2 / 2, 0),
      gradient: logits.map((z, k) => z - target[k]!),
      hessian: (i: number, j: number) => (i === j ? 1 : 0),
    },
  };
  const quantities = (of: keyof typeof losses, d: readonly number[]) => {
    const { of: loss, gradient, hessian } = losses[of];
    const change = jacobian.map((row) => inner(row, d));
    const directional = inner(change, gradient);
    const perturbed = loss(denseNetwork.at(x.map((pixel, i) => pixel + d[i]!)).logits);
    const curvature = change.reduce(
      (sum, a, i) => sum + change.reduce((row, b, j) => row + a * hessian(i, j) * b, 0),
      0,
    );
    const clean = loss(logits);
    const residual = perturbed - clean - directional;
    return { clean, perturbed, directional, g: Math.abs(residual), rest: residual - curvature / 2 };
  };
  const gammaOf = (of: keyof typeof losses) => Math.max(...deltas.map((d) => quantities(of, d).g));
  const [gamma, gammaSquaredError] = [gammaOf('crossEntropy'), gammaOf('squaredError')];
  const at = (d: readonly number[]) => {
    const ce = quantities('crossEntropy', d);
    const se = quantities('squaredError', d);
    const product = se.clean * (gammaSquaredError + Math.abs(se.rest));
    return {
      'Prop. 4.1': [Math.abs(ce.perturbed - ce.clean), Math.abs(ce.directional) + gamma],
      'Prop. C.1': [Math.abs(se.directional), 2 * Math.sqrt(2 * product)],
      'Prop. C.1, tight': [Math.abs(se.directional), 2 * Math.sqrt(product)],
      'Prop. C.2': [
        Math.abs(ce.directional),
        Math.sqrt((2 / softmax(logits)[label]!) * (gamma + Math.abs(ce.rest))),
      ],
    };
  };
  return { gamma, gammaSquaredError, loss: losses.crossEntropy.of(logits), at };
}

/** As float32 computes differences of losses of some tens. */
const expectClose = (found: number, expected: number) =>
  expect(Math.abs(found - expected)).toBeLessThan(1e-5 * (1 + expected));

const pairsOf = (report: BoundsReport, name: string) =>
  report.propositions.find((proposition) => proposition.name === name)!.pairs;

describe('boundsReport', () => {
  it('has both sides as the Jacobian and the Hessian written out in double precision give them', async () => {
    const threat = linfBall(epsilon);
    const options = { classifier, data, threat, seed: 4, batchSize: 2, maximizer: fixed };
    const report = await boundsReport(options);
    expect(report.examples.map(({ index }) => index)).toEqual([100, 101, 102, 103, 104]);
    expect(report.examples.map(({ label }) => label)).toEqual(labels);
    expect(report.threat).toEqual({ name: 'linf', epsilon });
    for (const [i, example] of report.examples.entries()) {
      const random = randomSource(4).fork('bounds').forExamples([example.index]).fork('random');
      const x = tensor4d(images[i]!, [1, ...inputShape]);
      const uniform = [...threat.start(x, random).dataSync()];
      const expected = sides(images[i]!, labels[i]!, [delta, uniform]);
      expectClose(example.loss, expected.loss);
      expectClose(example.gamma, expected.gamma);
      expectClose(example.gammaSquaredError, expected.gammaSquaredError);
      for (const [name, d] of [
        ['adversarial', delta],
        ['least linear', delta],
        ['random', uniform],
      ] as const) {
        for (const [proposition, [left, right]] of Object.entries(expected.at(d))) {
          const pair = pairsOf(report, proposition).find(
            ({ index, perturbation }) => index === example.index && perturbation === name,
          )!;
          expect(Math.abs(pair.left - left!)).toBeLessThan(1e-5 * right!);
          expect(Math.abs(pair.right - right!)).toBeLessThan(1e-5 * right!);
          expect(pair.slack).toBe(pair.right - pair.left);
          expect(pair.holds).toBe(true);
        }
      }
    }
  });

  describe('of searches', () => {
    const threat = linfBall(epsilon);
    const maximizer = projectedAscent({ stepSize: 0.05, steps: 8, keep: 'best' });
    const options = { classifier, data, threat, seed: 1, batchSize: 3, maximizer };
    let report: BoundsReport;
    beforeAll(async () => {
      report = await boundsReport(options);
    });

    it('finds no violation, as proven', () => {
      for (const { pairs, violations, quantiles } of report.propositions) {
        expect(violations).toEqual([]);
        expect(pairs).toHaveLength(15);
        const slacks = pairs.map(({ slack }) => slack).sort((a, b) => a - b);
        expect(quantiles[0]).toEqual({ q: 0, value: slacks[0] });
        expect(quantiles[3]).toEqual({ q: 0.5, value: slacks[7] });
        expect(quantiles[6]).toEqual({ q: 1, value: slacks[14] });
        expect(slacks[0]).toBeGreaterThan(-1e-4);
      }
    });

    it('finds adversarial perturbations that raise the loss more than random ones', () => {
      const mean = (name: BoundPair['perturbation']) => {
        const all = pairsOf(report, 'Prop. 4.1').filter(
          ({ perturbation }) => perturbation === name,
        );
        return all.reduce((sum, { left }) => sum + left, 0) / all.length;
      };
      expect(mean('adversarial')).toBeGreaterThan(2 * mean('random'));
    });

    it('survives JSON, and is the same in other company and after a stop', async () => {
      expect(JSON.parse(JSON.stringify(report))).toEqual(report);
      const kept: Parameters<
        NonNullable<Parameters<typeof boundsReport>[0]['journal']>['record']
      >[0][number][] = [];
      const stop = new AbortController();
      const stopped = boundsReport({
        ...options,
        signal: stop.signal,
        journal: { restored: [], record: async (batch) => void kept.push(...batch) },
        onProgress: () => stop.abort(new Error('Enough.')),
      });
      await expect(stopped).rejects.toThrow('Enough.');
      expect(kept).toHaveLength(3);
      const restored = JSON.parse(JSON.stringify(kept));
      const progress: number[] = [];
      const goneOn = await boundsReport({
        ...options,
        journal: { restored, record: async () => {} },
        onProgress: ({ done }) => progress.push(done),
      });
      expect(progress).toEqual([3, 5]);
      expect(JSON.stringify(goneOn)).toBe(JSON.stringify(report));
      const alone = await boundsReport({
        ...options,
        data: madeUpSource(inputShape, images.slice(0, 1), labels),
      });
      expect(alone.examples).toEqual(report.examples.slice(0, 1));
    });

    it('frees everything', async () => {
      const before = memory().numTensors;
      await boundsReport(options);
      expect(memory().numTensors).toBe(before);
    });

    it('refuses the journal of other batches', async () => {
      const restored = report.examples
        .slice(0, 2)
        .map((example) => ({ example, pairs: {} }) as never);
      await expect(
        boundsReport({ ...options, journal: { restored, record: async () => {} } }),
      ).rejects.toThrow(/2 images, which is no number of batches of 3 .* 5/);
    });
  });

  it('shows which images violate what, where a network lies about its gradient', async () => {
    /** x, whose gradient is said to be ten times as large, but not by its own derivative. */
    const lying = customGrad((input) => {
      const x = input as Tensor;
      const once = customGrad((dy) => ({
        value: mul(10, dy as Tensor),
        gradFunc: (outer: Tensor) => outer,
      }));
      return { value: x.clone(), gradFunc: (dy: Tensor) => once(dy) };
    });
    const liar: Classifier = fromFunction(
      (x) => reshape(mul(lying(x), tensor1d([1, 2])), [-1, 2]) as Tensor2D,
      { name: 'liar', inputShape: [1, 1, 2], numClasses: 2 },
    );
    // f = (x₁, 2x₂) with y = (1, 0): ½‖y − f‖² is small for the first image, and large for the second.
    const two = madeUpSource(
      [1, 1, 2],
      [
        [0.95, 0.02],
        [0.1, 0.9],
      ],
      [0, 0],
    );
    const report = await boundsReport({
      classifier: liar,
      data: two,
      threat: linfBall(0.4),
      seed: 0,
      batchSize: 2,
      maximizer: projectedAscent({ stepSize: 0.1, steps: 5, keep: 'best' }),
    });
    const of = (name: string) => report.propositions.find((one) => one.name === name)!;
    expect(of('Prop. C.1').violations).toEqual([100]);
    expect(of('Prop. C.1').quantiles[0]!.value).toBeLessThan(0);
    // 4.1 holds for whatever is called a gradient: γ makes up for it.
    expect(of('Prop. 4.1').violations).toEqual([]);
  });

  it('names the image whose sides are no numbers', async () => {
    const broken = fromFunction((x) => mul(Number.NaN, reshape(x, [-1, 12])) as Tensor2D, {
      name: 'broken',
      inputShape,
      numClasses: 12,
    });
    await expect(
      boundsReport({
        classifier: broken,
        data,
        threat: linfBall(0.1),
        seed: 0,
        batchSize: 5,
        maximizer: fixed,
      }),
    ).rejects.toThrow(/image 100 of made up \(test\).* broken/);
  });
});
