import { l2Ball, linfBall } from '@llr/core';
import { describe, expect, test } from 'vitest';
import { attackTable, type Ball } from './attack-table.ts';
import { linear, numbers, type Shape } from './helpers.ts';
import { perturbed } from './problems.ts';

const shape: Shape = [3, 2, 2];
const { classifier, weights, bias } = linear(1, shape, 2);

// Off the walls of the box, so that the ball alone limits an attack.
const examples = Array.from({ length: 6 }, (_, index) => ({
  index,
  image: numbers(index, 12, 0.3, 0.7),
  label: index % 2,
}));

/** w_t − w_y, t the other class. */
const slope = (label: number) =>
  Array.from({ length: 12 }, (_, i) => weights[2 * i + 1 - label]! - weights[2 * i + label]!);

const rise = (delta: Float32Array, label: number) =>
  slope(label).reduce((sum, w, i) => sum + w * delta[i]!, 0);

const balls = { linf: linfBall, l2: l2Ball };
const dualNorms = {
  linf: (w: number[]) => w.reduce((sum, value) => sum + Math.abs(value), 0),
  l2: (w: number[]) => Math.hypot(...w),
};

/** z_t − z_y at the image itself. */
const marginOf = ({ image, label }: (typeof examples)[number]) =>
  rise(image, label) + bias[1 - label]! - bias[label]!;

describe.each(['linf', 'l2'] as const)('in an %s ball', (ball: Ball) => {
  test.each(attackTable)(
    '$attack.name raises the margin by ε‖w_t − w_y‖*, or near it',
    async ({ attack, optimalIn }) => {
      const optimal = optimalIn.includes(ball);
      for (const run of attack.runs(classifier)) {
        const before = examples.map(() => 0);
        for (const epsilon of [0.01, 0.03, 0.1]) {
          const threat = balls[ball](epsilon);
          const found = await perturbed(attack, classifier, examples, threat, { run });
          found.forEach((delta, i) => {
            const { label } = examples[i]!;
            const most = epsilon * dualNorms[ball](slope(label));
            const risen = rise(delta, label);
            expect(risen).toBeLessThanOrEqual(most * (1 + 1e-4));
            // A search may stop at the first misclassified point; a random one lowers the margin as often as it raises it.
            if (!optimal && marginOf(examples[i]!) + risen > 0) return;
            expect(risen).toBeGreaterThanOrEqual((optimal ? 0.999 : 0.2) * most);
            expect(risen).toBeGreaterThan(before[i]!);
            before[i] = risen;
          });
        }
      }
    },
  );
});
