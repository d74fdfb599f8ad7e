import { add, conv2d, matMul, mean, memory, mul, randomNormal, randomUniform, scalar, sigmoid, softplus, square, sub, sum, type Tensor, type Tensor2D, type Tensor4D, tensor1d, tidy, variable, variableGrads, where, greater, zeros } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { compile } from '../src/compile.ts';
import { inputGradient } from '../src/input-gradient.ts';
import { iterate } from '../src/iterate.ts';
import { program } from '../src/program.ts';

test('basic', () => {
  const f = compile((x: Tensor, y: Tensor) => ({ s: add(mul(x, 2), y), p: mul(x, y) }), { name: 'basic' });
  const x = tensor1d([1, 2]);
  const y = tensor1d([10, 20]);
  const b = memory().numTensors;
  for (let i = 0; i < 3; i++) {
    const r = f(x, y);
    expect(Array.from(r.s.dataSync())).toEqual([12, 24]);
    expect(Array.from(r.p.dataSync())).toEqual([10, 40]);
    r.s.dispose(); r.p.dispose();
  }
  expect(memory().numTensors).toBe(b);
});

test('nested gradients with weights and a loop', () => {
  const w = variable(randomNormal([3, 3, 3, 4]) as Tensor4D);
  const loss = (x: Tensor4D) => ({ value: sum(softplus(conv2d(x, w as Tensor4D, 1, 'same')), [1, 2, 3]) });
  const fn = (x: Tensor4D) => {
    const { grads } = variableGrads(() => {
      const g = inputGradient(loss, x).gradient;
      return mean(square(g));
    }, [w]);
    const delta = iterate(4, { d: mul(x, 0) }, ({ d }, step) => ({
      d: add(d, mul(inputGradient(loss, add(x, d) as Tensor4D).gradient, mul(0.01, add(1, step.toFloat()))))
    })).d;
    return { g: Object.values(grads)[0]!, delta };
  };
  const x = randomUniform([2, 8, 8, 3]) as Tensor4D;
  const eager = tidy(() => fn(x));
  const f = compile(fn, { name: 'nested' });
  const found = f(x);
  for (const k of ['g', 'delta'] as const) {
    const d = sub(eager[k], found[k]).abs().max().dataSync()[0]!;
    const s = eager[k].abs().max().dataSync()[0]!;
    console.log(k, d, s);
    expect(d / s).toBeLessThan(1e-5);
  }
});

test('program', () => {
  const w = variable(zeros([3]));
  const p = program({ state: [w], functions: { step: (x: Tensor) => { w.assign(add(w, x)); return { s: sum(w) }; }, get: () => ({ w: w.clone() }) } });
  const x = tensor1d([1, 2, 3]);
  expect(p.functions.step(x).s.dataSync()[0]).toBe(6);
  expect(p.functions.step(x).s.dataSync()[0]).toBe(12);
  expect(Array.from(p.functions.get().w.dataSync())).toEqual([2, 4, 6]);
  p.read();
  expect(Array.from(w.dataSync())).toEqual([2, 4, 6]);
  p.dispose();
});
