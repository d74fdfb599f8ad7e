import {
  conv2d,
  depthwiseConv2d,
  grad,
  grads,
  maxPool,
  mul,
  randomNormal,
  square,
  sum,
  type Tensor,
  type Tensor4D,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { inputGradient } from '../src/index.ts';
import { useEngine } from '../src/node.ts';

// tfjs's cpu kernels, plain loops over the definition, are the oracle.
afterAll(async () => {
  await useEngine();
});

interface Geometry {
  batch: number;
  height: number;
  width: number;
  inputs: number;
  outputs: number;
  rows: number;
  columns: number;
  strides: [number, number];
  pad: 'same' | 'valid';
}

const geometries = fc
  .record<Geometry>({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 11 }),
    width: fc.integer({ min: 1, max: 11 }),
    inputs: fc.integer({ min: 1, max: 5 }),
    outputs: fc.integer({ min: 1, max: 5 }),
    rows: fc.integer({ min: 1, max: 7 }),
    columns: fc.integer({ min: 1, max: 7 }),
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    pad: fc.constantFrom('same', 'valid'),
  })
  .filter((g) => g.pad === 'same' || (g.rows <= g.height && g.columns <= g.width));

const images = ({ batch, height, width, inputs }: Geometry) =>
  randomNormal([batch, height, width, inputs], 0, 1, 'float32', 1) as Tensor4D;

type Op = (x: Tensor4D, filter: Tensor4D) => Tensor;

/** The value, the derivatives of Σ r·op for a random r, and those of ‖∂/∂x Σ op²‖². */
const derivatives = (op: Op, x: Tensor4D, filter: Tensor4D): Tensor[] => {
  const weighted = (at: Tensor, w: Tensor) => {
    const y = op(at as Tensor4D, w as Tensor4D);
    return mul(y, randomNormal(y.shape, 0, 1, 'float32', 3));
  };
  const slope = (at: Tensor, w: Tensor) =>
    inputGradient((a: Tensor4D) => ({ value: sum(square(op(a, w as Tensor4D))) }), at as Tensor4D)
      .gradient;
  const first = grads(weighted)([x, filter]);
  const second = grads((at, w) => sum(square(slope(at, w))))([x, filter]);
  return [op(x, filter), ...first, ...second];
};

async function agree(make: () => Tensor[]) {
  const run = async (prefer: 'wasm' | 'cpu') => {
    await useEngine({ prefer });
    const found = tidy(make);
    const values = found.map((t) => Array.from(t.dataSync()));
    for (const t of found) t.dispose();
    return values;
  };
  const expected = await run('cpu');
  const found = await run('wasm');
  expected.forEach((values, k) => {
    const scale = values.reduce((largest, v) => Math.max(largest, Math.abs(v)), 1e-3);
    const worst = values.reduce(
      (largest, v, i) => Math.max(largest, Math.abs(v - found[k]![i]!)),
      0,
    );
    expect(found[k]!.length).toBe(values.length);
    expect(worst / scale, `derivative ${k}`).toBeLessThan(1e-6);
  });
}

test('convolutions: values, first and second derivatives, on any geometry', async () => {
  await fc.assert(
    fc.asyncProperty(geometries, async (g) => {
      await agree(() => {
        const filter = randomNormal([g.rows, g.columns, g.inputs, g.outputs], 0, 1, 'float32', 2);
        return derivatives((x, w) => conv2d(x, w, g.strides, g.pad), images(g), filter as Tensor4D);
      });
    }),
    { numRuns: 150, seed: 1 },
  );
});

test('depthwise convolutions: values, first and second derivatives, on any geometry', async () => {
  await fc.assert(
    fc.asyncProperty(geometries, async (g) => {
      await agree(() => {
        const filter = randomNormal([g.rows, g.columns, g.inputs, g.outputs], 0, 1, 'float32', 2);
        return derivatives(
          (x, w) => depthwiseConv2d(x, w, g.strides, g.pad),
          images(g),
          filter as Tensor4D,
        );
      });
    }),
    { numRuns: 100, seed: 2 },
  );
});

test('max pools: values, first and second derivatives, on any geometry, with equal entries', async () => {
  await fc.assert(
    fc.asyncProperty(geometries, fc.boolean(), async (g, ties) => {
      await agree(() => {
        const x = images(g);
        const entries = x.dataSync().map((v) => (ties ? Math.round(v) : v));
        const at = tensor(entries, x.shape) as Tensor4D;
        const pool = (z: Tensor4D) => maxPool(z, [g.rows, g.columns], g.strides, g.pad);
        const weighted = (z: Tensor) => {
          const y = square(pool(z as Tensor4D));
          return mul(y, randomNormal(y.shape, 0, 1, 'float32', 3));
        };
        const slope = (z: Tensor) =>
          inputGradient((a: Tensor4D) => ({ value: sum(weighted(a)) }), z as Tensor4D).gradient;
        return [pool(at), grad(weighted)(at), grad((z) => sum(square(slope(z))))(at)];
      });
    }),
    { numRuns: 150, seed: 3 },
  );
});
