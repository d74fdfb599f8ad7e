import {
  add,
  backend,
  dispose,
  engine,
  memory,
  mul,
  sigmoid,
  slice,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import type { TensorFlowBackend } from '../src/graph/binding.ts';
import { hasOwnOps } from '../src/graph/own-ops.ts';
import { compile } from '../src/index.ts';
import { onTensorFlow } from './engines.ts';

interface OpBackend {
  executeSingleOutput(op: string, attributes: [], inputs: Tensor[]): Tensor;
  executeMultipleOutputs(op: string, attributes: [], inputs: Tensor[], outputs: number): Tensor[];
}

const run = (op: string, ...inputs: Tensor[]): Tensor =>
  (backend() as unknown as OpBackend).executeSingleOutput(op, [], inputs);

const runTwo = (op: string, ...inputs: Tensor[]): Tensor[] =>
  (backend() as unknown as OpBackend).executeMultipleOutputs(op, [], inputs, 2);

const moments = (x: Tensor): Tensor[] => runTwo('LlrMoments', x);

// Closed forms in float64.
const softplusOf = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoidOf = (x: number) => (x > 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

const f32 = Math.fround;
const noise = (size: number, seed: number, scale = 3): Float32Array => {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
};

const values = (made: Tensor): Float32Array => {
  const found = made.dataSync() as Float32Array;
  made.dispose();
  return found;
};

const largestRelativeError = (found: ArrayLike<number>, wanted: (i: number) => number): number => {
  let largest = 0;
  for (let i = 0; i < found.length; i++) {
    const exact = wanted(i);
    const error = Math.abs(found[i]! - exact) / Math.abs(exact);
    // A NaN is the largest error of all.
    if (!(error <= largest)) largest = error;
  }
  return largest;
};

/** [rows, channels] of every remainder a vector loop can leave, and of more than one block. */
const shapes: [number, number][] = [
  [1, 1],
  [7, 3],
  [5000, 1],
  [3000, 5],
  [300, 16],
  [129, 31],
  [700, 64],
  [2, 640],
  [40, 640],
  [3, 1500],
];

onTensorFlow(() => {
  beforeEach(({ skip }) => {
    const { binding } = engine().backend as unknown as TensorFlowBackend;
    if (!hasOwnOps(binding)) skip('this TensorFlow is without our own ops');
  });

  test.each(shapes)(
    'at an affine map of [%i, %i], softplus and its derivatives are those at its value',
    (rows, channels) => {
      tidy(() => {
        const of = (seed: number) => tensor(noise(rows * channels, seed), [rows, channels]);
        const [x, dy, u, v] = [of(1), of(2), of(3), of(4)] as const;
        const [scale, shift] = [tensor(noise(channels, 5)), tensor(noise(channels, 6))];
        const z = run('LlrAffine', x, scale, shift);
        const pairs = [
          [run('LlrAffineSoftplus', x, scale, shift), run('LlrSoftplus', z)],
          [run('LlrAffineSoftplusSlope', dy, x, scale, shift), run('LlrSoftplusGrad', dy, z)],
          [
            run('LlrAffineSoftplusGradGrad', u, v, x, scale, shift),
            run('LlrSoftplusGradGrad', u, v, z),
          ],
          [
            run('LlrAffineSoftplusSecondGrad', dy, x, u, v, scale, shift),
            run('LlrSoftplusSecondGrad', dy, z, u, v),
          ],
        ] as const;
        for (const [found, expected] of pairs) {
          const wanted = values(expected);
          // A multiplication fused with its addition rounds once less.
          values(found).forEach((value, i) => {
            expect(Math.abs(value - wanted[i]!)).toBeLessThan(2e-5);
          });
        }
      });
    },
  );

  test('softplus and its gradient are exact to 2.5e-7 over [−30, 30]', () => {
    const size = 500_000;
    const points = Float32Array.from({ length: size }, (_, i) => -30 + (60 * i) / size);
    const x = tensor(points);
    const dy = noise(size, 1);
    const slopes = tensor(dy);
    const y = values(run('LlrSoftplus', x));
    const dx = values(run('LlrSoftplusGrad', slopes, x));
    dispose([x, slopes]);
    expect(largestRelativeError(y, (i) => softplusOf(points[i]!))).toBeLessThan(2.5e-7);
    expect(largestRelativeError(dx, (i) => dy[i]! * sigmoidOf(points[i]!))).toBeLessThan(3.5e-7);
  });

  test('softplus at the extremes', () => {
    const points = [-Infinity, -1e30, -100, -87, -17, -0, 0, 17, 100, 3e38, Infinity, NaN];
    const x = tensor(points);
    const found = values(run('LlrSoftplus', x));
    x.dispose();
    expect(found[0]).toBe(0);
    expect(found[1]).toBe(0);
    // e^-100 is below the smallest normal float32.
    expect(found[2]).toBe(0);
    expect(found[3]! / Math.exp(-87)).toBeCloseTo(1, 6);
    expect(found[4]! / softplusOf(-17)).toBeCloseTo(1, 6);
    expect(found[5]).toBe(f32(Math.log(2)));
    expect(found[6]).toBe(f32(Math.log(2)));
    expect([...found.slice(7)]).toEqual([17, 100, f32(3e38), Infinity, NaN].map(f32));
  });

  test('the gradients at the extremes', () => {
    const x = tensor([-Infinity, -100, 0, 100, Infinity, NaN]);
    const two = tensor(Array(6).fill(2));
    const first = values(run('LlrSoftplusGrad', two, x));
    const second = values(run('LlrSoftplusGradGrad', two, two, x));
    dispose([x, two]);
    expect([...first]).toEqual([0, 0, 1, 2, 2, NaN]);
    expect([...second.slice(0, 3)]).toEqual([0, 0, 1]);
    // 4 e^-100, which is 0 in float32
    expect([...second.slice(3)]).toEqual([0, 0, NaN]);
  });

  test.each(shapes)('every elementwise op on [%i, %i]', (rows, channels) => {
    const size = rows * channels;
    const shape = [rows, channels];
    const [x, dy, u, v] = [1, 2, 3, 4].map((seed) => noise(size, seed)) as Float32Array[];
    const [scale, shift] = [noise(channels, 5), noise(channels, 6)];
    const [tx, tdy, tu, tv] = [x!, dy!, u!, v!].map((data) => tensor(data, shape));
    const [tscale, tshift] = [tensor(scale), tensor(shift, [1, channels])];
    const z = (i: number) => x![i]! * scale[i % channels]! + shift[i % channels]!;
    const slope = (i: number) => sigmoidOf(x![i]!);
    const bend = (i: number) => slope(i) * (1 - slope(i));
    const before = memory().numTensors;
    const absolute = (made: Tensor, wanted: (i: number) => number) => {
      expect(made.shape).toEqual(shape);
      const found = values(made);
      let largest = 0;
      for (let i = 0; i < size; i++) {
        const error = Math.abs(found[i]! - wanted(i));
        if (!(error <= largest)) largest = error;
      }
      return largest;
    };
    expect(absolute(run('LlrSoftplus', tx!), (i) => softplusOf(x![i]!))).toBeLessThan(1e-6);
    expect(absolute(run('LlrSoftplusGrad', tdy!, tx!), (i) => dy![i]! * slope(i))).toBeLessThan(
      1e-6,
    );
    expect(
      absolute(run('LlrSoftplusGradGrad', tu!, tv!, tx!), (i) => u![i]! * v![i]! * bend(i)),
    ).toBeLessThan(2e-6);
    expect(
      absolute(
        run('LlrSoftplusSecondGrad', tdy!, tx!, tu!, tv!),
        (i) => dy![i]! * slope(i) + u![i]! * v![i]! * bend(i),
      ),
    ).toBeLessThan(3e-6);
    expect(absolute(run('LlrAffine', tx!, tscale, tshift), z)).toBeLessThan(3e-6);
    expect(
      absolute(run('LlrAffineSoftplus', tx!, tscale, tshift), (i) => softplusOf(z(i))),
    ).toBeLessThan(4e-6);
    expect(
      absolute(
        run('LlrAffineSoftplusGrad', tdy!, tx!, tscale, tshift),
        (i) => dy![i]! * sigmoidOf(z(i)) * scale[i % channels]!,
      ),
    ).toBeLessThan(5e-6);
    expect(memory().numTensors).toBe(before);
    dispose([tx!, tdy!, tu!, tv!, tscale, tshift]);
  });

  test('a value does not depend on where it stands', () => {
    const x = tensor(noise(50_001, 9, 20));
    const whole = run('LlrSoftplus', x).dataSync();
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 49_000 }),
        fc.integer({ min: 1, max: 100 }),
        (at, n) => {
          const part = tidy(() => run('LlrSoftplus', slice(x, [at], [n])).dataSync());
          expect([...part]).toEqual([...whole.slice(at, at + n)]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('SecondGrad is what differentiating dy · σ(x) once more adds up to', () => {
    const [x, dy, u, v] = [1, 2, 3, 4].map((seed) => tensor(noise(999, seed))) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const wanted = tidy(() => {
      const s = sigmoid(x);
      return add(mul(dy, s), mul(mul(u, v), mul(s, sub(1, s)))).dataSync();
    });
    const found = values(run('LlrSoftplusSecondGrad', dy, x, u, v));
    for (let i = 0; i < found.length; i++) expect(found[i]).toBeCloseTo(wanted[i]!, 5);
    dispose([x, dy, u, v]);
  });

  test('in a graph, where an op may write over its input, the results are the same', () => {
    const chain = ([x, dy, scale, shift]: Tensor[]) => {
      const z = run('LlrAffine', mul(x!, 2), scale!, shift!);
      const y = run('LlrAffineSoftplus', run('LlrSoftplus', z), scale!, shift!);
      const first = run('LlrSoftplusGrad', mul(dy!, 3), mul(x!, 3));
      const second = run('LlrSoftplusSecondGrad', first, mul(x!, 5), mul(y, 2), mul(dy!, 7));
      const third = run('LlrSoftplusGradGrad', second, mul(y, 3), mul(x!, 7));
      const [mean, variance] = moments(third);
      const sums = runTwo('LlrChannelSums', third, y);
      const dx = run('LlrAffineSoftplusGrad', third, mul(x!, 9), scale!, shift!);
      return [y, dx, mean!, variance!, ...sums];
    };
    const shape = [8, 9, 9, 24];
    const inputs = [
      ...[1, 2].map((seed) => tensor(noise(8 * 9 * 9 * 24, seed), shape)),
      ...[3, 4].map((seed) => tensor(noise(24, seed, 1))),
    ];
    const compiled = compile(chain);
    const eager = tidy(() => chain(inputs).map((made) => [...made.dataSync()]));
    for (let call = 0; call < 3; call++) {
      expect(compiled(inputs).map((made) => [...values(made)])).toEqual(eager);
    }
    compiled.dispose();
    dispose(inputs);
  });

  test.each(shapes)('moments of [%i, %i]', (rows, channels) => {
    // A mean a thousand deviations from zero, where E[x²] − E[x]² has no digit right.
    const x = noise(rows * channels, 11, 1).map((value) => value + 1000);
    const [mean, variance] = tidy(() => moments(tensor(x, [rows, channels])).map(values));
    for (let c = 0; c < channels; c++) {
      const column = Array.from({ length: rows }, (_, row) => x[row * channels + c]!);
      const exact = column.reduce((total, value) => total + value, 0) / rows;
      const spread = column.reduce((total, value) => total + (value - exact) ** 2, 0) / rows;
      expect(Math.abs(mean![c]! - exact)).toBeLessThan(4e-5);
      expect(Math.abs(variance![c]! - spread)).toBeLessThan(1e-6 * (1 + spread));
    }
  });

  test('moments of a batch of activations, the same at every call', () => {
    const shape = [32, 16, 16, 48];
    const x = tensor(noise(32 * 16 * 16 * 48, 12), shape);
    const found = () => moments(x).map((made) => [...values(made)]);
    const [mean, variance] = found();
    const pixels = 32 * 16 * 16;
    const sums = tidy(() => [...sum(x, [0, 1, 2]).dataSync()]);
    expect(mean).toHaveLength(48);
    for (let c = 0; c < 48; c++) {
      expect(mean![c]).toBeCloseTo(sums[c]! / pixels, 4);
      // A uniform distribution over [−3, 3]
      expect(variance![c]).toBeGreaterThan(2.8);
      expect(variance![c]).toBeLessThan(3.2);
    }
    for (let again = 0; again < 20; again++) expect(found()).toEqual([mean, variance]);
    x.dispose();
  });

  test.each(shapes)('channel sums of [%i, %i]', (rows, channels) => {
    const [a, b] = [noise(rows * channels, 13), noise(rows * channels, 14)];
    const [plain, product] = tidy(() =>
      runTwo('LlrChannelSums', tensor(a, [rows, channels]), tensor(b, [rows, channels])).map(
        values,
      ),
    );
    for (let c = 0; c < channels; c++) {
      const column = Array.from({ length: rows }, (_, row) => row * channels + c);
      const tolerance = 1e-5 * Math.sqrt(rows);
      expect(Math.abs(plain![c]! - column.reduce((total, i) => total + a[i]!, 0))).toBeLessThan(
        tolerance,
      );
      expect(
        Math.abs(product![c]! - column.reduce((total, i) => total + a[i]! * b[i]!, 0)),
      ).toBeLessThan(tolerance);
    }
  });

  test('empty tensors, and shapes that do not fit', () => {
    const [x, wide, one] = [zeros([2, 3]), zeros([2, 4]), zeros([3])];
    const none = zeros([0, 3]);
    expect(run('LlrSoftplus', none).shape).toEqual([0, 3]);
    expect(run('LlrAffine', none, one, one).shape).toEqual([0, 3]);
    expect(() => run('LlrSoftplusGrad', x, wide)).toThrow(/LlrSoftplusGrad: input 1 has the shape/);
    expect(() => run('LlrAffine', x, one, wide)).toThrow(/shift has 8 values for 3 channels/);
    expect(() => moments(none)).toThrow(/at least one value/);
    expect(() => runTwo('LlrChannelSums', x, wide)).toThrow(/they need channels, and one shape/);
    const sums = runTwo('LlrChannelSums', none, none).map((made) => [...values(made)]);
    expect(sums).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    dispose([x, wide, one, none]);
  });
});
