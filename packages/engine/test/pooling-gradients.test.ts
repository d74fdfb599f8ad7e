import {
  avgPool,
  cast,
  maxPool,
  mul,
  ones,
  randomNormal,
  randomUniformInt,
  sum,
  type Tensor,
  type Tensor4D,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { inputGradient } from '../src/input-gradient.ts';
import { useEngine } from '../src/node.ts';
import { engines, onTensorFlowIfAny, tensorFlow } from './engines.ts';

const numbers = (x: Tensor) => Array.from(x.dataSync());
const gradient = (f: (x: Tensor) => Tensor, x: Tensor) =>
  inputGradient((at: Tensor) => ({ value: f(at) }), x).gradient;

type Padding = 'same' | 'valid' | [[0, 0], [number, number], [number, number], [0, 0]];

const explicit: Padding = [
  [0, 0],
  [1, 1],
  [1, 1],
  [0, 0],
];

/** [b, 6, 6, 3] of three values only: most windows hold their maximum more than once. */
const ties = () => cast(randomUniformInt([2, 6, 6, 3], -3, 0, 7), 'float32') as Tensor4D;

onTensorFlowIfAny();

describe.each(engines)('on %s', (engine) => {
  beforeAll(async () => {
    await useEngine({ prefer: engine });
  });

  test('a maximum of negative numbers has its gradient at its place', () => {
    tidy(() => {
      const x = tensor4d([-4, -2, -3, -1, -7, -5, -6, -8], [1, 2, 4, 1]);
      expect(numbers(gradient((at) => maxPool(at as Tensor4D, 2, 2, 'valid'), x))).toEqual([
        0, 1, 0, 1, 0, 0, 0, 0,
      ]);
    });
  });

  test('of equal entries the first has the gradient', () => {
    tidy(() => {
      const x = tensor4d([0, 0, 1, 2, 0, 0, 2, 1], [1, 2, 4, 1]);
      expect(numbers(gradient((at) => maxPool(at as Tensor4D, 2, 2, 'valid'), x))).toEqual([
        1, 0, 0, 1, 0, 0, 0, 0,
      ]);
    });
  });

  const geometries: [size: number, stride: number, pad: Padding][] = [
    [2, 2, 'valid'],
    [3, 2, 'same'],
    [3, 1, 'same'],
  ];
  // TensorFlow's own pools refuse it.
  if (engine !== tensorFlow) geometries.push([3, 2, explicit]);

  test.each(geometries)(
    'ties: a max pool’s tangent is the adjoint of its gradient (%d, %d, %j)',
    (size, stride, pad) => {
      tidy(() => {
        const rounding = typeof pad === 'string' ? undefined : 'floor';
        const pool = (at: Tensor) => maxPool(at as Tensor4D, size, stride, pad as 'same', rounding);
        const x = ties();
        const u = randomNormal(pool(x).shape, 0, 1, 'float32', 3);
        const v = randomNormal(x.shape, 0, 1, 'float32', 4);
        const backward = numbers(gradient((at) => mul(u, pool(at)), x));
        // ⟨v, Jᵀw⟩ is linear in w: its gradient at any w is Jv.
        const tangent = gradient(
          (w) =>
            mul(
              v,
              gradient((at) => mul(w, pool(at)), x),
            ),
          u,
        );
        expect(tangent.shape).toEqual(u.shape);
        const left = numbers(mul(u, tangent)).reduce((a, b) => a + b);
        const right = numbers(v).reduce((total, value, i) => total + value * backward[i]!, 0);
        expect(left).toBeCloseTo(right, 3);
      });
    },
  );

  test('an average over the border counts the places inside only', () => {
    tidy(() => {
      // 'same' puts a column of padding on the right: places 0 and 1 make a window, and place 2 one of its own.
      const x = ones([1, 1, 3, 1]);
      const pool = (at: Tensor) => avgPool(at as Tensor4D, [1, 2], [1, 2], 'same');
      expect(numbers(pool(x))).toEqual([1, 1]);
      expect(numbers(gradient(pool, x))).toEqual([0.5, 0.5, 1]);
    });
  });

  test('moving all entries by 1 moves every average by 1, so the gradient of their sum adds up to their number', () => {
    tidy(() => {
      const pool = (at: Tensor) => avgPool(at as Tensor4D, 3, 2, 'same');
      const x = randomNormal([2, 7, 7, 3], 0, 1, 'float32', 5);
      expect(sum(gradient(pool, x)).dataSync()[0]).toBeCloseTo(pool(x).size, 3);
    });
  });
});
