import { mul, sum, type Tensor1D, type Tensor4D, zerosLike } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  type AscentOptimizer,
  adam,
  inRadii,
  l2Ball,
  linfBall,
  lossObjective,
  momentum,
  normalized,
  perturbationOf,
  projectedAscent,
  sign,
  steepest,
  type ThreatModel,
} from '../src/index.ts';
import {
  batchOf,
  exactCrossEntropy,
  exactGradient,
  imagesOf,
  mlp,
  numbers,
  perExample,
  pixels,
  problemOf,
} from './networks.ts';

const { logits, exact } = mlp(3);
const batch = batchOf([0, 1, 2], 0.4, 0.6);
const labels = batch.labels.dataSync();
const start = zerosLike(batch.images);
const weights = imagesOf(numbers(7, pixels, -1, 1));

const ascend = (
  optimizer: AscentOptimizer,
  threat: ThreatModel,
  stepSize: number,
  steps: number,
  objective = lossObjective(),
) =>
  perExample(
    perturbationOf(
      projectedAscent({ optimizer, stepSize, steps }),
      { ...problemOf(logits, batch, threat), start },
      objective,
    ),
  );

describe('steepest', () => {
  test('is the sign in an ℓ∞ ball, and the direction of the gradient in an ℓ2 ball', () => {
    const linf = linfBall(0.1);
    expect(ascend(steepest(), linf, 0.03, 3)).toEqual(ascend(sign(), linf, 0.03, 3));
    const l2 = l2Ball(0.3);
    expect(ascend(steepest(), l2, 0.1, 3)).toEqual(ascend(normalized(), l2, 0.1, 3));
    expect(ascend(steepest(), l2, 0.1, 3)).not.toEqual(ascend(sign(), l2, 0.1, 3));
  });
});

describe('inRadii', () => {
  test.each([linfBall, l2Ball])(
    'multiplies a step size by the radius of each example: %o',
    (ball) => {
      const radii = [0.1, 0.2, 0.05];
      for (const optimizer of [steepest(), adam(), momentum()]) {
        const found = ascend(inRadii(optimizer), ball(radii), 0.3, 4);
        radii.forEach((radius, i) => {
          const alone = ascend(optimizer, ball(radius), 0.3 * radius, 4);
          found[i]!.forEach((d, at) => {
            expect(d).toBeCloseTo(alone[i]![at]!, 5);
          });
        });
      }
    },
  );
});

describe('momentum', () => {
  const norms = {
    linf: (m: number[]) => m.map(Math.sign),
    l2: (m: number[]) => m.map((v) => v / Math.hypot(...m)),
  };

  test.each([
    ['linf', linfBall(0.9), 1],
    ['linf', linfBall(0.9), 0.5],
    ['l2', l2Ball(3), 1],
    ['l2', l2Ball(3), 0.5],
  ] as const)('accumulates gradients of ℓ1 norm 1: %s, %o, decay %d', (norm, threat, decay) => {
    // Neither ball nor box binds, so that only the steps are compared.
    const [size, steps] = [0.02, 6];
    const found = ascend(momentum({ decay }), threat, size, steps);
    const plain = ascend(steepest(), threat, size, steps);
    perExample(batch.images).forEach((image, i) => {
      const delta = image.map(() => 0);
      let m = image.map(() => 0);
      for (let step = 0; step < steps; step++) {
        const gradient = exactGradient(
          (x) => exactCrossEntropy(exact(x), labels[i]!),
          image.map((x, at) => x + delta[at]!),
        );
        const norm1 = gradient.reduce((sum, g) => sum + Math.abs(g), 0);
        m = m.map((v, at) => decay * v + gradient[at]! / norm1);
        norms[norm](m).forEach((u, at) => {
          delta[at]! += size * u;
        });
      }
      found[i]!.forEach((d, at) => {
        expect(d).toBeCloseTo(delta[at]!, 4);
      });
    });
    if (norm === 'l2') expect(found).not.toEqual(plain);
  });

  test('without memory takes the steepest steps', () => {
    const threat = linfBall(0.1);
    expect(ascend(momentum({ decay: 0 }), threat, 0.03, 5)).toEqual(
      ascend(steepest(), threat, 0.03, 5),
    );
  });

  test.each([1e-25, 1e25])('does not depend on the size of the gradient: %d', (scale) => {
    const linear = (by: number) => ({
      name: 'weighted pixels',
      prepare: () => ({}),
      value: ({ perturbation }: { perturbation: Tensor4D }) =>
        sum(mul(perturbation, mul(weights, by)), [1, 2, 3]) as Tensor1D,
    });
    const found = ascend(momentum(), l2Ball(1), 0.05, 4, linear(scale));
    const wanted = ascend(momentum(), l2Ball(1), 0.05, 4, linear(1));
    found.flat().forEach((d, at) => {
      expect(d).toBeCloseTo(wanted.flat()[at]!, 6);
    });
  });

  test('goes on where the gradient is 0, and stays where it always was', () => {
    const m = momentum({ decay: 0.5 });
    const threat = linfBall(0.1);
    const still = imagesOf(new Float32Array(pixels));
    const begun = m.init(still);
    const none = m.update(still, begun, threat);
    expect([...none.update.dataSync()].every((u) => u === 0)).toBe(true);
    const uphill = imagesOf(Float32Array.from({ length: pixels }, (_, i) => i - 5.5));
    const moved = m.update(uphill, begun, threat);
    const after = m.update(still, moved.state, threat);
    expect([...after.update.dataSync()]).toEqual([...moved.update.dataSync()]);
    const before = moved.state.momentum!.dataSync();
    after.state.momentum!.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(0.5 * before[i]!, 6);
    });
  });

  test('refuses a decay that makes no sense', () => {
    for (const decay of [-0.1, Number.NaN, Infinity]) {
      expect(() => momentum({ decay })).toThrow('decay');
    }
  });
});
