import {
  type Classifier,
  crossEntropy,
  dotPerExample,
  linearize,
  linfBall,
  type RecordedStatistics,
  randomSource,
  type StatisticsUse,
  type TrainContext,
} from '@llr/core';
import { withoutGradient } from '@llr/engine';
import { wideResNet } from '@llr/models';
import {
  add,
  matMul,
  mean,
  memory,
  mul,
  range,
  reshape,
  rsqrt,
  type Scalar,
  scalar,
  sin,
  square,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { createTrainContext } from '../src/context.ts';
import { stripes, tinyNetwork } from './tiny.ts';

const batch = stripes();
const normed = wideResNet({ depth: 10, widthFactor: 1, numClasses: 3, inputShape: [8, 8, 1] });
const plain = tinyNetwork(3);
afterAll(() => {
  normed.dispose();
  plain.dispose();
});

/** A linear network of normalised pixels that computes its statistics with no mark of what they are. */
const unmarked: Classifier = {
  ...normed,
  forward: (images, use) => {
    const pixels = reshape(images, [-1, 64]) as Tensor2D;
    const average = mean(pixels, 0) as Tensor1D;
    const own = { mean: average, variance: mean(square(sub(pixels, average)), 0) as Tensor1D };
    const { mean: centre, variance } = use === 'batch' ? own : (use as RecordedStatistics).norm!;
    const scaled = mul(sub(pixels, centre), rsqrt(add(variance, 1e-3)));
    const weights = reshape(sin(range(0, 64 * 3)), [64, 3]);
    const logits = matMul(scaled, weights) as Tensor2D;
    return use === 'batch' ? { logits, recorded: { norm: own } } : { logits };
  },
};

const contextOf = (classifier: Classifier, report?: (name: string, mean: Scalar) => void) =>
  createTrainContext({
    classifier,
    batch,
    threat: linfBall(0.1),
    random: randomSource(0).forExamples(batch.indices),
    step: scalar(0),
    epoch: scalar(0),
    loss: crossEntropy,
    ...(report && { report }),
  });

/** A network that counts its passes. */
function counted(classifier: Classifier) {
  const uses: unknown[] = [];
  const counting: Classifier = {
    ...classifier,
    forward: (images, use) => {
      uses.push(use);
      return classifier.forward(images, use);
    },
  };
  return { counting, uses };
}

describe('the nominal pass', () => {
  it('makes each part when first asked for, and once', () => {
    const { counting, uses } = counted(normed);
    const { nominal, dispose } = contextOf(counting);
    expect(uses).toEqual([]);
    const { recorded } = nominal;
    void [nominal.loss, nominal.logits, nominal.recorded];
    expect(uses).toEqual(['batch']);
    // ∇ₓℓ(x) takes a pass of its own, at those statistics, which then gives the loss and the logits too.
    void [nominal.inputGradient, nominal.loss, nominal.logits, nominal.inputGradient];
    expect(uses).toEqual(['batch', recorded]);
    dispose();
  });

  it('gives every part from one pass where the input gradient is asked for first', () => {
    const { counting, uses } = counted(normed);
    const { nominal, dispose } = contextOf(counting);
    void [nominal.inputGradient, nominal.loss, nominal.logits, nominal.recorded];
    expect(uses).toEqual(['batch']);
    dispose();
  });

  const parts = {
    loss: ({ nominal }) => nominal.loss,
    directional: ({ images, nominal }) => dotPerExample(images, nominal.inputGradient),
    // A quantity of each part, and of passes made with the recorded statistics afterwards.
    llr: (context) => {
      const { inputGradient, loss } = context.nominal;
      const perturbed = mul(0.9, context.images) as Tensor4D;
      const { logits } = context.forward(perturbed, context.nominal.recorded);
      return add(
        square(sub(crossEntropy(logits, context.labels), loss)),
        dotPerExample(inputGradient, inputGradient),
      );
    },
  } satisfies Record<string, (context: TrainContext) => Tensor1D>;

  /** The gradients of the mean of a part in all parameters. */
  const gradientsOf = (
    part: keyof typeof parts,
    before: (context: TrainContext) => void,
    classifier: Classifier = normed,
  ) =>
    tidy(() => {
      const context = contextOf(classifier);
      const { grads } = variableGrads(
        () => {
          before(context);
          return mean(parts[part](context)) as Scalar;
        },
        normed.parameters.map(({ variable }) => variable),
      );
      context.dispose();
      return Object.values(grads).map((gradient) => gradient.dataSync().slice());
    });

  /** The network at this batch's statistics, where they don't depend on the parameters. */
  const atConstant = (): Classifier => {
    const recorded = normed.forward(batch.images, 'batch').recorded!;
    const forward = (images: Tensor4D) => ({ ...normed.forward(images, recorded), recorded });
    return { ...normed, forward };
  };

  const distance = (a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]) => {
    const flat = a.flatMap((of, i) => Array.from(of, (x, j) => [x, b[i]![j]!] as const));
    const norm = (of: number[]) => Math.hypot(...of);
    return norm(flat.map(([x, y]) => x - y)) / norm(flat.map(([x]) => x));
  };

  it.each(Object.keys(parts) as (keyof typeof parts)[])(
    'has the same parameter gradients from one pass as from two, first asked for by a search or not: %s',
    (part) => {
      const two = gradientsOf(part, ({ nominal }) => void nominal.recorded);
      const one = gradientsOf(part, ({ nominal }) => void nominal.inputGradient);
      const searched = gradientsOf(part, ({ nominal }) =>
        withoutGradient(() => tidy(() => void nominal.inputGradient)),
      );
      expect(distance(two, one)).toBeLessThan(1e-5);
      expect(distance(two, searched)).toBeLessThan(1e-5);
      // The way through the statistics is not lost in the tolerance.
      const constant = gradientsOf(part, ({ nominal }) => void nominal.recorded, atConstant());
      expect(distance(two, constant)).toBeGreaterThan(1e-2);
    },
  );

  it('takes a second pass for a network that does not tell its statistics apart', () => {
    const { counting, uses } = counted(unmarked);
    // The second time it is known.
    for (let step = 0; step < 2; step++) {
      tidy(() => {
        const { nominal, dispose } = contextOf(counting);
        const found = nominal.inputGradient.dataSync();
        const { recorded } = nominal;
        expect(uses.splice(0)).toEqual(['batch', recorded]);
        const at = (use: StatisticsUse) =>
          linearize(
            (x) => unmarked.forward(x, use).logits,
            batch.images,
            batch.labels,
          ).inputGradient.dataSync();
        expect(distance([at(recorded)], [found])).toBeLessThan(1e-5);
        expect(distance([at('batch')], [found])).toBeGreaterThan(1e-2);
        dispose();
      });
    }
  });

  it('has an input gradient that holds the batch statistics constant (finite differences)', () => {
    const { nominal, dispose } = contextOf(normed);
    const direction = tidy(() => mul(0.01, add(batch.images, 0.5))) as Tensor4D;
    const slope = (use: 'batch' | 'recorded') =>
      tidy(() => {
        const loss = (by: number) => {
          const at = add(batch.images, mul(by, direction)) as Tensor4D;
          const { logits } = normed.forward(at, use === 'batch' ? 'batch' : nominal.recorded);
          return sum(crossEntropy(logits, batch.labels)).dataSync()[0]!;
        };
        return (loss(1) - loss(-1)) / 2;
      });
    const found = tidy(() => sum(mul(direction, nominal.inputGradient)).dataSync()[0]!);
    expect(found / slope('recorded')).toBeCloseTo(1, 2);
    expect(Math.abs(found / slope('batch') - 1)).toBeGreaterThan(0.1);
    direction.dispose();
    dispose();
  });

  it('is the running one for a network without batch statistics, whatever a regulariser asks for', () => {
    const { counting, uses } = counted(plain);
    const { nominal, forward, dispose } = contextOf(counting);
    void nominal.inputGradient;
    expect(nominal.recorded).toBe('running');
    const recorded = { norm: { mean: tensor1d([0]), variance: tensor1d([1]) } };
    for (const use of ['batch', 'running', recorded] as const) forward(batch.images, use);
    expect(new Set(uses)).toEqual(new Set(['running']));
    dispose();
  });
});

it('keeps what it made, and the means reported to it, through a tidy; dispose() frees them', () => {
  const reported: Record<string, Scalar> = {};
  const context = contextOf(normed, (name, value) => {
    reported[name] = value;
  });
  const before = memory().numTensors;
  tidy(() => {
    void context.nominal.inputGradient;
    context.report('loss', context.nominal.loss);
  });
  const { loss } = context.nominal;
  const average = Array.from(loss.dataSync()).reduce((a, b) => a + b, 0) / loss.size;
  expect(reported.loss!.dataSync()[0]).toBeCloseTo(average, 5);
  expect(memory().numTensors).toBeGreaterThan(before);
  context.dispose();
  expect(memory().numTensors).toBe(before);
});
