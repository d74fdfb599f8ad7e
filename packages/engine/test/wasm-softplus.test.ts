import { softplus, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { useEngine } from '../src/node.ts';

/** log(1 + eˣ) in float64, without overflow. */
const exact = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const magnitudes = [0, 1e-6, 1e-3, 0.1, 0.5, 1, 2, 5, 10, 15, 17, 20, 50, 88, 89, 104, 1e3, 1e4];
const points = Float32Array.from(magnitudes.flatMap((x) => [x, -x]));

test('is log(1 + eˣ) to float32 for |x| up to 10⁴', async () => {
  await useEngine({ prefer: 'wasm' });
  const found = tidy(() => softplus(tensor1d(points)).dataSync());
  points.forEach((x, i) => {
    // log σ is good to one rounding of σ, 6e-8; far out it is max(x, 0) itself.
    const tolerance = 1.2e-7 * Math.max(1, Math.abs(exact(x)));
    expect(Math.abs(found[i]! - exact(x)), `softplus(${x})`).toBeLessThanOrEqual(tolerance);
  });
});

test('passes NaN on', () => {
  expect(tidy(() => softplus(tensor1d([Number.NaN])).dataSync()[0])).toBeNaN();
});
