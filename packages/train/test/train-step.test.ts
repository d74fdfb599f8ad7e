import {
  adam as adamAscent,
  adversarialTraining,
  crossEntropy,
  dotPerExample,
  llr,
  projectedAscent,
  type Regularizer,
  randomSource,
} from '@llr/core';
import { wideResNet } from '@llr/models';
import {
  add,
  dispose,
  engine,
  fill,
  mean,
  memory,
  mul,
  sub,
  type Tensor1D,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { adam } from '../src/optimizers/adam.ts';
import { sgd } from '../src/optimizers/sgd.ts';
import { type StepSetup, trainStep } from '../src/train-step.ts';
import { stripes, tinyNetwork } from './tiny.ts';

const input = { step: 0, epoch: 0.5, epsilon: 0.1, learningRate: 0.1 };
const fewSteps = projectedAscent({ optimizer: adamAscent(), stepSize: 0.05, steps: 2 });
const batch = stripes();

function setup(regularizers: readonly Regularizer[], make = sgd({ momentum: 0 })): StepSetup {
  const classifier = tinyNetwork(3);
  const optimizer = make(classifier.parameters);
  return { classifier, regularizers, optimizer, loss: crossEntropy, random: randomSource(7) };
}

const weightsOf = ({ classifier }: StepSetup) =>
  classifier.parameters.map(({ variable }) => Float32Array.from(variable.dataSync()));

describe('one step', () => {
  it('with LLR at λ = μ = 0 and w = 1 is the nominal step', () => {
    const nominal = setup([]);
    const zero = setup([llr({ lambda: 0, mu: 0, nominalWeight: 1, maximizer: fewSteps })]);
    trainStep(nominal, { ...input, batch });
    trainStep(zero, { ...input, batch });
    for (const [i, weights] of weightsOf(nominal).entries()) {
      const other = weightsOf(zero)[i]!;
      for (const [j, w] of weights.entries()) expect(other[j]).toBeCloseTo(w, 6);
    }
  });

  it('moves the parameters by the gradient of the whole objective (finite differences)', () => {
    // A fixed perturbation, so that the objective is a plain function of the parameters.
    const delta = tidy(() =>
      mul(sub(randomSource(1).forExamples(batch.indices).uniform(batch.images.shape), 0.5), 0.2),
    );
    const fixed: Regularizer = {
      name: 'fixed-llr',
      nominalWeight: 2,
      penalty: (context) => {
        const { loss, inputGradient } = context.nominal;
        const { logits } = context.forward(add(context.images, delta), context.nominal.recorded);
        const linear = dotPerExample(delta as never, inputGradient);
        const gap: Tensor1D = sub(sub(context.loss(logits, context.labels), loss), linear);
        return add(mul(4, mul(gap, gap)), mul(3, mul(linear, linear)));
      },
    };
    const work = setup([fixed]);
    const before = weightsOf(work);
    const objectiveHere = () => trainStep(work, { ...input, learningRate: 0, batch }).objective!;
    trainStep(work, { ...input, learningRate: 1, batch });
    const after = weightsOf(work);
    const restore = (values: readonly Float32Array[]) =>
      work.classifier.parameters.forEach(({ variable }, i) => {
        tidy(() => variable.assign(tensor(values[i]!, variable.shape)));
      });
    const direction = before.map((weights, i) => weights.map((w, j) => w - after[i]![j]!));
    const squared = direction.flatMap((g) => [...g]).reduce((s, g) => s + g * g, 0);
    const h = 1e-2 / Math.sqrt(squared);
    const along = (scale: number) =>
      before.map((weights, i) => weights.map((w, j) => w + scale * direction[i]![j]!));
    restore(along(h));
    const plus = objectiveHere();
    restore(along(-h));
    const minus = objectiveHere();
    expect((plus - minus) / (2 * h) / squared).toBeCloseTo(1, 2);
    delta.dispose();
  });

  it('keeps the number of tensors flat, with batch norm too', () => {
    const classifier = wideResNet({
      depth: 10,
      widthFactor: 1,
      numClasses: 3,
      inputShape: [8, 8, 1],
    });
    const work = {
      ...setup([llr({ lambda: 4, mu: 3, maximizer: fewSteps })]),
      classifier,
      optimizer: adam()(classifier.parameters),
    };
    const counts = [0, 1, 2, 3].map((step) => {
      trainStep(work, { ...input, step, learningRate: 1e-3, batch });
      return memory().numTensors;
    });
    expect(new Set(counts).size).toBe(1);
    classifier.dispose();
  });

  it('updates running statistics once, from the nominal pass', () => {
    const classifier = wideResNet({
      depth: 10,
      widthFactor: 1,
      numClasses: 3,
      inputShape: [8, 8, 1],
    });
    const other = wideResNet({ depth: 10, widthFactor: 1, numClasses: 3, inputShape: [8, 8, 1] });
    const expected = tidy(() => {
      other.updateRunning(other.forward(batch.images, 'batch').recorded!);
      return other.runningStatistics.map(({ variable }) => variable.dataSync().slice());
    });
    for (const regularizer of [
      llr({ lambda: 4, mu: 3, maximizer: fewSteps }),
      adversarialTraining({ maximizer: fewSteps }),
    ]) {
      classifier.runningStatistics.forEach(({ name, variable }) => {
        tidy(() => variable.assign(fill(variable.shape, name.endsWith('variance') ? 1 : 0)));
      });
      const work = { ...setup([regularizer]), classifier, optimizer: sgd()(classifier.parameters) };
      trainStep(work, { ...input, learningRate: 0, batch });
      classifier.runningStatistics.forEach(({ variable }, i) => {
        const found = variable.dataSync();
        for (const [j, value] of expected[i]!.entries()) expect(found[j]).toBeCloseTo(value, 5);
      });
    }
    classifier.dispose();
    other.dispose();
  });
});

describe('the passes of a step', () => {
  /** How often a step runs convolutions and their gradients. */
  function convolutionsOf(work: StepSetup): number {
    const kernels = engine() as unknown as {
      state: { kernelDepth: number };
      runKernel(name: string, ...rest: unknown[]): unknown;
    };
    let count = 0;
    const { runKernel } = kernels;
    kernels.runKernel = (name, ...rest) => {
      // A kernel may be made of others: wasm's gradients are convolutions.
      if (kernels.state.kernelDepth === 0 && name.startsWith('Conv2D')) count += 1;
      return runKernel.call(kernels, name, ...rest);
    };
    try {
      trainStep(work, { ...input, batch });
    } finally {
      kernels.runKernel = runKernel;
    }
    return count;
  }

  it('cost what one pass for ℓ(x), ∇ₓℓ(x) and the statistics allows: 29 forward passes with 10 steps', () => {
    const classifier = wideResNet({
      depth: 10,
      widthFactor: 1,
      numClasses: 3,
      inputShape: [8, 8, 1],
    });
    const optimizer = sgd()(classifier.parameters);
    for (const steps of [1, 10]) {
      const maximizer = projectedAscent({ stepSize: 0.05, steps });
      const work = { ...setup([llr({ lambda: 4, mu: 3, maximizer })]), classifier, optimizer };
      const convolutions = classifier.parameters.filter(({ name }) => name.endsWith('filter'));
      // ℓ(x) and ∇ₓℓ(x): 2. Each step of the search: 2. ℓ(x + δ): 1. Backward, in input and filter: 2 of each of
      // ℓ(x), ∇ₓℓ(x) and ℓ(x + δ). Two of them need no gradient in the images themselves.
      const expected = (9 + 2 * steps) * convolutions.length - 2;
      expect(convolutionsOf(work)).toBe(expected);
    }
    classifier.dispose();
    optimizer.dispose();
  });
});

describe('a plugin that goes wrong', () => {
  const plugin = (penalty: Regularizer['penalty']): Regularizer => ({ name: 'mine', penalty });

  it('is named when its penalty is NaN', () => {
    const work = setup([plugin(({ nominal }) => mul(nominal.loss, Number.NaN))]);
    expect(() => trainStep(work, { ...input, batch })).toThrow(/penalty of mine is NaN/);
  });

  it('is named when its penalty is not one number an example', () => {
    const work = setup([plugin(({ nominal }) => mean(nominal.loss) as never)]);
    expect(() => trainStep(work, { ...input, batch })).toThrow(
      /mine returned a penalty of shape \[\]/,
    );
  });

  it('must agree with the others on the weight of the nominal loss', () => {
    const work = setup([llr({ lambda: 1, mu: 1, maximizer: fewSteps }), adversarialTraining()]);
    expect(() => trainStep(work, { ...input, batch })).toThrow(/different weights/);
  });
});

describe('optimisers', () => {
  const parameter = () => setup([]).classifier.parameters.slice(0, 1);

  it('SGD: v ← m·v + ∇ + λ·θ, θ ← θ − η·v', () => {
    const [theta] = parameter();
    const start = theta!.variable.dataSync()[0]!;
    const optimizer = sgd({ momentum: 0.9, weightDecay: 0.1 })([theta!]);
    const gradient = fill(theta!.variable.shape, 2);
    let [value, velocity] = [start, 0];
    for (let step = 0; step < 3; step++) {
      optimizer.apply({ [theta!.variable.name]: gradient }, 0.05);
      velocity = 0.9 * velocity + 2 + 0.1 * value;
      value -= 0.05 * velocity;
    }
    expect(theta!.variable.dataSync()[0]).toBeCloseTo(value, 5);
    dispose(gradient);
  });

  it('Adam: a constant gradient moves every parameter by the learning rate', () => {
    const [theta] = parameter();
    const start = theta!.variable.dataSync().slice();
    const optimizer = adam()([theta!]);
    const gradient = fill(theta!.variable.shape, -3);
    for (let step = 0; step < 4; step++)
      optimizer.apply({ [theta!.variable.name]: gradient }, 0.01);
    for (const [i, value] of theta!.variable.dataSync().entries()) {
      expect(value).toBeCloseTo(start[i]! + 0.04, 4);
    }
    dispose(gradient);
  });
});
