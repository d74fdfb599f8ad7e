import { crossEntropy, linearityError, linearize } from '@llr/core';
import { useEngine } from '@llr/engine/node';
import {
  abs,
  add,
  batchNorm,
  conv2d,
  dispose,
  keep,
  matMul,
  maxPool,
  mean,
  memory,
  moments,
  mul,
  pad,
  randomNormal,
  randomUniform,
  softplus,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tidy,
  type Variable,
  variable,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { wideResNet } from '../src/index.ts';

// wasm's composed kernels, in whole networks, against tfjs's plain loops on the cpu engine.
afterAll(async () => {
  await useEngine();
});

interface Network {
  inputShape: readonly [number, number, number];
  variables: readonly Variable[];
  logits(images: Tensor4D): Tensor2D;
}

function wrn(): Network {
  const inputShape = [8, 8, 3] as const;
  const model = wideResNet({ depth: 10, widthFactor: 1, numClasses: 3, inputShape });
  return {
    inputShape,
    variables: model.parameters.map((parameter) => parameter.variable),
    logits: (images) => model.forward(images, 'batch').logits,
  };
}

/** ResNet's stem, 7x7 stride 2 and a 3x3 stride-2 max pool, and one bottleneck block with a projection. */
function bottleneck(): Network {
  const variables: Variable[] = [];
  const weights = (...shape: number[]) => {
    const fanIn = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    const made = variable(
      tidy(() => randomNormal(shape, 0, Math.sqrt(2 / fanIn), 'float32', variables.length + 1)),
    );
    variables.push(made);
    return made as Variable & Tensor4D;
  };
  const convolution = (size: number, from: number, to: number, stride = 1) => {
    const filter = weights(size, size, from, to);
    const side: [number, number] = [(size - 1) / 2, (size - 1) / 2];
    return (x: Tensor4D) => conv2d(pad(x, [[0, 0], side, side, [0, 0]]), filter, stride, 'valid');
  };
  const norm = (x: Tensor4D) => {
    const { mean: centre, variance } = moments(x, [0, 1, 2]);
    return batchNorm(x, centre as Tensor1D, variance as Tensor1D, undefined, undefined, 1e-5);
  };
  const stem = convolution(7, 3, 8, 2);
  const reduce = convolution(1, 8, 4);
  const middle = convolution(3, 4, 4, 2);
  const expand = convolution(1, 4, 16);
  const projection = convolution(1, 8, 16, 2);
  const dense = weights(16, 3) as unknown as Tensor2D;
  return {
    inputShape: [16, 16, 3],
    variables,
    logits: (images) => {
      const pooled = maxPool(softplus(norm(stem(images))), 3, 2, 'same');
      const inner = softplus(norm(middle(softplus(norm(reduce(pooled))))));
      const h = softplus(add(norm(expand(inner)), norm(projection(pooled))));
      return matMul(mean<Tensor2D>(h, [1, 2]), dense);
    },
  };
}

const valuesOf = (x: Tensor) => Array.from(x.dataSync());

interface Step {
  /** The objective, then ℓ(x), g and δᵀ∇ℓ(x) of each example. */
  losses: number[];
  /** Of all parameters. */
  gradients: number[];
}

/** A few steps of gradient descent on the LLR objective. */
async function train(engine: 'wasm' | 'cpu', make: () => Network, steps: number, nudge = 1) {
  await useEngine({ prefer: engine });
  const { inputShape, variables, logits } = make();
  const images = randomUniform([3, ...inputShape], 0, nudge, 'float32', 5) as Tensor4D;
  const labels = tensor1d([0, 1, 2], 'int32');
  const tensors = memory().numTensors;
  const found: Step[] = [];
  for (let step = 0; step < steps; step++) {
    tidy(() => {
      // Any perturbation will do, but it must be the same on both engines: no search, which would amplify rounding.
      const delta = randomUniform(images.shape, -0.1, 0.1, 'float32', 100 + step) as Tensor4D;
      let seen: Tensor1D[] = [];
      const { value, grads } = variableGrads(() => {
        const around = linearize(logits, images, labels);
        const there = crossEntropy(logits(add(images, delta)), labels);
        const { loss, directional, error } = linearityError(around, there, delta);
        const penalty = add(mul(4, error), mul(3, abs(directional)));
        seen = [loss, error, directional].map((x) => keep(x.clone()));
        return mean(add(mul(2, loss), penalty));
      }, variables as Variable[]);
      found.push({
        losses: [value, ...seen].flatMap(valuesOf),
        gradients: variables.flatMap(({ name }) => valuesOf(grads[name]!)),
      });
      dispose(seen);
      for (const parameter of variables) {
        parameter.assign(sub(parameter as Tensor, mul(0.05, grads[parameter.name]!)));
      }
    });
  }
  expect(memory().numTensors).toBe(tensors);
  dispose([images, labels]);
  for (const parameter of variables) parameter.dispose();
  return found;
}

const largest = (values: number[]) => Math.max(...values.map(Math.abs));
const minus = (a: number[], b: number[]) => a.map((value, i) => value - b[i]!);
const length = (values: number[]) => Math.hypot(...values);

describe('LLR steps on wasm are those of the cpu engine', () => {
  it.each([
    ['a wide residual network', wrn],
    ["ResNet's stem and a bottleneck block", bottleneck],
  ])('%s', async (_, make) => {
    const steps = 3;
    const expected = await train('cpu', make, steps);
    const found = await train('wasm', make, steps);
    // What rounding alone does to a gradient of a gradient: the cpu engine's, with the images' last bit changed.
    const [nudged] = await train('cpu', make, 1, 1 + 2 ** -23);
    const rounding = length(minus(nudged!.gradients, expected[0]!.gradients));
    for (const [step, { losses, gradients }] of expected.entries()) {
      // g and δᵀ∇ℓ are as small as differences of losses, and as precise. Steps carry differences on.
      const loss = largest(minus(found[step]!.losses, losses)) / largest(losses);
      expect(loss, `losses, step ${step}`).toBeLessThan(1e-6 * (step + 1));
      const gradient = length(minus(found[step]!.gradients, gradients));
      expect(gradient / length(gradients), `gradients, step ${step}`).toBeLessThan(1e-5);
      if (step === 0) expect(gradient).toBeLessThan(3 * rounding);
    }
    const [first, last] = [found[0]!.losses[0]!, found[steps - 1]!.losses[0]!];
    expect(last).toBeLessThan(first);
  });
});
