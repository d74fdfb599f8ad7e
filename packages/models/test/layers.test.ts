import { gradientCheck } from '@llr/engine';
import {
  randomNormal,
  type Tensor,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type Activation, activationNames, activationOf } from '../src/layers/activation.ts';
import { maxPool } from '../src/layers/max-pool.ts';
import { networkBuilder } from '../src/network-builder.ts';

// Of −2, −0.5, 0.25 and 3, computed in double precision from their definitions.
const known: Record<Activation, number[]> = {
  softplus: [0.126928011, 0.474076984, 0.82593942, 3.04858735],
  relu: [0, 0, 0.25, 3],
  elu: [-0.864664717, -0.39346934, 0.25, 3],
  silu: [-0.238405844, -0.188770334, 0.140544125, 2.85772238],
  gelu: [-0.0455002639, -0.154268769, 0.149676581, 2.99595031],
  tanh: [-0.96402758, -0.462117157, 0.244918662, 0.995054754],
};

describe.each(activationNames)('%s', (name) => {
  it('has the known values', () => {
    const found = tidy(() => activationOf(name)(tensor1d([-2, -0.5, 0.25, 3])).dataSync());
    for (const [i, value] of known[name].entries()) expect(found[i]).toBeCloseTo(value, 5);
  });

  it('is right to second order', () => {
    tidy(() => {
      // Away from 0, where ReLU has its kink and the ELU's second derivative jumps.
      const x = tensor1d([-2.1, -1.2, -0.6, 0.4, 0.9, 1.7, 3.2]);
      const errors = gradientCheck((at) => activationOf(name)(at), x, { step: 5e-3 });
      expect(errors.first).toBeLessThan(5e-3);
      // A piecewise linear function has none.
      if (name !== 'relu') expect(errors.second).toBeLessThan(1e-2);
    });
  });
});

describe('the max pool', () => {
  const largest = (x: Tensor4D, before: number): number[] => {
    const [, height, width, channels] = x.shape;
    const values = x.dataSync();
    const found: number[] = [];
    for (
      let top = -before;
      found.length < Math.ceil(height / 2) * Math.ceil(width / 2) * channels;
      top += 2
    ) {
      for (let column = 0; column < Math.ceil(width / 2); column++) {
        for (let channel = 0; channel < channels; channel++) {
          let most = -Infinity;
          for (let row = top; row < top + 3; row++) {
            for (let at = 2 * column - before; at < 2 * column - before + 3; at++) {
              if (row < 0 || at < 0 || row >= height || at >= width) continue;
              most = Math.max(most, values[(row * width + at) * channels + channel]!);
            }
          }
          found.push(most);
        }
      }
    }
    return found;
  };
  const poolOf = (x: Tensor4D, padding: 'symmetric' | 'same') =>
    maxPool(networkBuilder(0), 'pool', { from: x.shape.slice(1) as never, padding })(x);

  it.each([
    ['symmetric', [8, 6], 1],
    ['symmetric', [7, 5], 1],
    ['same', [8, 6], 0],
    ['same', [7, 5], 1],
  ] as const)(
    'with %s padding of %j sees its windows, and no padding',
    (padding, [h, w], before) => {
      tidy(() => {
        // All negative, so that a padded 0 would be the largest.
        const x = tensor4d(randomNormal([h * w * 2], -9, 1, 'float32', 3).dataSync(), [1, h, w, 2]);
        expect(Array.from(poolOf(x, padding).dataSync())).toEqual(largest(x, before));
      });
    },
  );

  it('is right to second order', () => {
    tidy(() => {
      const x = randomNormal([2, 8, 8, 3], 0, 1, 'float32', 5) as Tensor4D;
      const cubed = (at: Tensor) => activationOf('silu')(poolOf(at as Tensor4D, 'symmetric'));
      const errors = gradientCheck(cubed, x, { step: 1e-4 });
      expect(errors.first).toBeLessThan(1e-2);
      const second = gradientCheck(cubed, x, { step: 2e-3 }).second;
      expect(second).toBeLessThan(1e-2);
    });
  });
});
