import { l2Ball, linfBall } from '@llr/core';
import { tidy } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, test } from 'vitest';
import { square } from '../src/index.ts';
import { mlp, numbers } from './helpers.ts';
import { problemOf } from './problems.ts';
import { flat, l2ByHand, linfByHand } from './square-by-hand.ts';
import { atStages, finished, rowsOf } from './staged.ts';

const height = 11;
const width = 12;
const labels = [0, 1, 2, 0, 1];

/** Images in the box's middle, at its sides and in its corners. */
const imagesOf = (channels: number) =>
  labels.map((label, index) => {
    const image = numbers(20 + index, height * width * channels, -0.2, 1.2);
    return { index, label, image: image.map((x) => Math.min(1, Math.max(0, x))) };
  });

const radii = { linf: [0.05, 0.1, 0.2, 0.01, 0], l2: [0.5, 1, 2, 0.1, 4] };

describe.each([1, 3])('with %i channels', (channels) => {
  const { classifier, dispose } = mlp(7, [height, width, channels], 6, 3);
  afterAll(() => void dispose());

  test.each([
    ['linf', 40],
    ['linf', 140],
    ['l2', 40],
    ['l2', 140],
  ] as const)('finds in %s with %i queries what the paper does by hand', (norm, queries) => {
    tidy(() => {
      const threat = norm === 'linf' ? linfBall(radii.linf) : l2Ball(radii.l2);
      const posed = problemOf(classifier, imagesOf(channels), threat);
      const attack = square({ queries });
      const start = atStages(posed, [0, 0, 0, 0, 0]);
      const stages = Array.from({ length: attack.stages }, (_, stage) =>
        atStages(posed, Array(5).fill(stage)),
      );
      const expected = (norm === 'linf' ? linfByHand : l2ByHand)(start, stages, queries);
      const found = finished(attack, posed);
      rowsOf(found.perturbation!).forEach((delta, b) => {
        const byHand = flat(expected.deltas[b]!);
        const gap = Math.max(...delta.map((value, at) => Math.abs(value - byHand[at]!)));
        expect(gap, `example ${b}`).toBeLessThan(norm === 'linf' ? 2e-7 : 2e-5);
      });
      rowsOf(found.margin!).forEach(([margin], b) => {
        expect(margin).toBeCloseTo(-expected.losses[b]!, 3);
      });
    });
  });
});
