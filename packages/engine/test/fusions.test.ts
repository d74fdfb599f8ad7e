import {
  add,
  conv2d,
  engine,
  mean,
  mul,
  randomNormal,
  type Scalar,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tidy,
  variable,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import type { TensorFlowBackend } from '../src/graph/binding.ts';
import { hasOwnOps } from '../src/graph/own-ops.ts';
import { trace } from '../src/graph/trace.ts';
import { compile, inputGradient } from '../src/index.ts';
import { onTensorFlow } from './engines.ts';

const normal = (shape: number[], seed: number) => randomNormal(shape, 0, 1, 'float32', seed);
const ownOps = () => hasOwnOps((engine().backend as unknown as TensorFlowBackend).binding);

/** Two layers, normalised and not, and what a step of training takes of them. */
function network() {
  const filters = [variable(normal([3, 3, 3, 4], 1)), variable(normal([3, 3, 4, 4], 2))];
  const scale = variable(normal([4], 3) as Tensor1D);
  const shift = variable(normal([4], 4) as Tensor1D);
  const convolve = (x: Tensor, i: number) =>
    conv2d(x as Tensor4D, filters[i] as unknown as Tensor4D, 1, 'same');
  const value = (x: Tensor) => {
    const h = softplus(add(mul(convolve(x, 0), scale), shift));
    return sum(softplus(add(convolve(h, 1), shift)), [1, 2, 3]);
  };
  const step = (x: Tensor4D, delta: Tensor4D) => {
    const { value: loss, grads } = variableGrads(() => {
      const here = inputGradient((at: Tensor4D) => ({ value: value(at) }), x);
      const directional = sum(mul(here.gradient, delta), [1, 2, 3]);
      const error = sub(sub(value(add(x, delta)), here.value), directional);
      return add(mean(square(error)), mean(here.value)) as Scalar;
    }, [...filters, scale, shift]);
    const search = inputGradient((at: Tensor4D) => ({ value: value(at) }), delta).gradient;
    return { loss, search, ...grads };
  };
  return step;
}

const opsOf = (fn: (...args: never[]) => unknown, args: readonly unknown[]) =>
  trace('fused', fn, args, new Map()).nodes.map(({ op }) => op);

onTensorFlow(() => {
  test('a step computes fused what it computes op by op', () => {
    const step = network();
    const compiled = compile(step);
    for (const seed of [10, 20, 30]) {
      tidy(() => {
        const x = normal([2, 5, 6, 3], seed) as Tensor4D;
        const delta = mul(normal([2, 5, 6, 3], seed + 1), 0.1) as Tensor4D;
        const eager: Record<string, Tensor> = step(x, delta);
        const found: Record<string, Tensor> = compiled(x, delta);
        for (const [name, expected] of Object.entries(eager)) {
          expect(relative(found[name]!, expected), name).toBeLessThan(2e-5);
        }
      });
    }
    compiled.dispose();
  });

  test('TensorFlow’s own ops take the place of several', () => {
    const x = normal([2, 4, 4, 3], 1) as Tensor4D;
    const filter = variable(normal([3, 3, 3, 4], 2) as Tensor4D);
    const bias = variable(normal([4], 3) as Tensor1D);
    const ops = opsOf((at: Tensor4D) => add(conv2d(at, filter as Tensor4D, 1, 'same'), bias), [x]);
    expect(ops).toContain('BiasAdd');
    expect(ops).not.toContain('Add');
  });

  test('ours do, where the addon has them', ({ skip }) => {
    if (!ownOps()) skip('this TensorFlow is without our own ops');
    const ops = new Set(opsOf(network(), [normal([2, 5, 6, 3], 1), normal([2, 5, 6, 3], 2)]));
    const expected = [
      'LlrAffineSoftplus',
      'LlrAffineSoftplusGrad',
      'LlrAffineSoftplusSlope',
      'LlrAffineSoftplusSecondGrad',
      'LlrSoftplus',
      'LlrSoftplusGrad',
      'LlrChannelSums',
    ];
    expect([...ops].filter((op) => op.startsWith('Llr'))).toEqual(expect.arrayContaining(expected));
    for (const op of ['Softplus', 'SoftplusGrad', 'SigmoidGrad'])
      expect([op, ops.has(op)]).toEqual([op, false]);
  });
});

/** The largest difference, over the largest entry. */
function relative(found: Tensor, expected: Tensor): number {
  const wanted = expected.dataSync();
  const values = found.dataSync();
  const largest = Math.max(...Array.from(wanted, Math.abs));
  return Math.max(...Array.from(wanted, (value, i) => Math.abs(value - values[i]!))) / largest;
}
