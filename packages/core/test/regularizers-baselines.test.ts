import { installHigherOrderGradients } from '@llr/engine';
import {
  add,
  grads,
  mean,
  memory,
  mul,
  neg,
  reshape,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tensor1d,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adversarialTraining,
  crossEntropy,
  cure,
  elle,
  gradAlign,
  klDivergence,
  linfBall,
  llr,
  type Maximizer,
  type PerExampleLoss,
  projectedAscent,
  type Regularizer,
  sign,
  trades,
} from '../src/index.ts';
import { labelMask } from '../src/losses/labels.ts';
import { affine, batchOf, imagesOf, perExample, pixels } from './networks.ts';
import {
  contextOf,
  names,
  type Parameters,
  type RecordingContext,
  tensorsOf,
  weights,
} from './regularizers-network.ts';
import { contextOf as plainContext } from './train-context.ts';

const batch = batchOf([3, 1, 4, 15]);
const epsilon = 0.3;
const maximizer = projectedAscent({ optimizer: sign(), stepSize: 0.1, steps: 3 });

/** Every regulariser, with weights that show. */
const all: Record<string, (weight: number) => Regularizer> = {
  llr: (weight) => erased(llr({ lambda: 4 * weight, mu: 3 * weight, maximizer })),
  'llr through the statistics': (weight) =>
    erased(llr({ lambda: 4 * weight, mu: 3 * weight, maximizer, statisticsGradient: 'through' })),
  trades: (weight) => erased(trades({ beta: 6 * weight, maximizer })),
  cure: (weight) => erased(cure({ lambda: 4 * weight, h: 0.4 })),
  'cure, squared': (weight) => erased(cure({ lambda: 4 * weight, h: 0.4, squared: true })),
  gradAlign: (weight) => erased(gradAlign({ lambda: 2 * weight })),
  'gradAlign, both differentiated': (weight) =>
    erased(gradAlign({ lambda: 2 * weight, cleanGradient: 'differentiated' })),
  elle: (weight) => erased(elle({ lambda: 1000 * weight })),
};
const everyName = Object.keys(all);

function erased<F extends Record<string, Tensor>>(regularizer: Regularizer<F>): Regularizer {
  return regularizer as unknown as Regularizer;
}

const parameters = tensorsOf(weights);

const penaltyIn = (regularizer: Regularizer, context: RecordingContext) =>
  tidy(() => {
    const found = regularizer.search!(context);
    return Array.from(regularizer.penalty(context, found).dataSync());
  });

/** The objective's gradient in every parameter: w·ℓ(x), averaged, plus the regulariser's penalty if there is one. */
function objectiveGradient(
  regularizer?: Regularizer,
  { at = parameters, radius = epsilon } = {},
): number[] {
  installHigherOrderGradients();
  return tidy(() => {
    const found = regularizer ? regularizer.search!(contextOf(at, batch, radius)) : {};
    return grads((...moved: Tensor[]) => {
      const now = Object.fromEntries(names.map((n, i) => [n, moved[i]!])) as Parameters;
      const context = contextOf(now, batch, radius);
      const nominal = mean(context.nominal.loss);
      return regularizer ? add(nominal, mean(regularizer.penalty(context, found))) : nominal;
    })(names.map((name) => at[name])).flatMap((gradient) => [...gradient.dataSync()]);
  });
}

describe.each(everyName)('%s', (name) => {
  const make = all[name]!;

  it('with weights of 0 leaves the nominal gradient exactly as it is', () => {
    expect(objectiveGradient(make(0))).toEqual(objectiveGradient());
    expect(objectiveGradient(make(1))).not.toEqual(objectiveGradient());
  });

  it('is finite, and so are its gradients, where logits are constant and every gradient is 0', () => {
    const constant = { ...parameters, second: zerosLike(parameters.second) };
    expect(penaltyIn(make(1), contextOf(constant, batch, epsilon))).toEqual([0, 0, 0, 0]);
    const gradient = objectiveGradient(make(1), { at: constant });
    expect(gradient.every(Number.isFinite)).toBe(true);
    // The last layer, which could leave this state, still feels the loss.
    expect(Math.max(...gradient)).toBeGreaterThan(0.01);
  });

  it('is finite at ε = 0, the start of a ramp', () => {
    const penalties = penaltyIn(make(1), contextOf(parameters, batch, 0));
    // CURE has its own distance, h.
    if (!name.startsWith('cure')) {
      for (const penalty of penalties) expect(Math.abs(penalty)).toBeLessThan(1e-5);
    }
    const gradient = objectiveGradient(make(1), { radius: 0 });
    expect([...penalties, ...gradient].every(Number.isFinite)).toBe(true);
  });

  it('gives an example the same found tensors and penalty in any batch', () => {
    const options = { batchNorm: name === 'cure' };
    const found = (context: RecordingContext) =>
      Object.values(make(1).search!(context)).map((tensor) => perExample(tensor));
    const inBatch = contextOf(parameters, batch, epsilon, options);
    const [together, penalties] = [found(inBatch), penaltyIn(make(1), inBatch)];
    [...batch.indices].forEach((index, row) => {
      const alone = contextOf(parameters, batchOf([index]), epsilon, options);
      found(alone).forEach((tensor, i) => {
        tensor[0]!.forEach((value, j) => {
          expect(value).toBeCloseTo(together[i]![row]![j]!, 5);
        });
      });
      const scale = Math.max(1, Math.abs(penalties[row]!));
      expect(penaltyIn(make(1), alone)[0]! / scale).toBeCloseTo(penalties[row]! / scale, 4);
    });
  });

  it('leaves nothing behind but what it found and the penalty', () => {
    const context = contextOf(parameters, batch, epsilon);
    const counts = [1, 2, 3].map(() => {
      const before = memory().numTensors;
      const found = tidy(() => make(1).search!(context));
      const penalty = tidy(() => make(1).penalty(context, found));
      expect(memory().numTensors).toBe(before + Object.keys(found).length + 1);
      penalty.dispose();
      for (const tensor of Object.values(found)) tensor.dispose();
      return memory().numTensors;
    });
    expect(new Set(counts).size).toBe(1);
  });
});

it.each(everyName.filter((name) => /cure|gradAlign|elle/.test(name)))(
  '%s is 0 for an affine network with a linear loss, which is its own linearisation',
  (name) => {
    const linear: PerExampleLoss = (logits, labels) =>
      neg(sum(mul(labelMask(labels, logits), logits), 1));
    const context = plainContext(affine(9), batch, epsilon, linear);
    const regularizer = all[name]!(1);
    for (const value of regularizer.penalty(context, regularizer.search!(context)).dataSync()) {
      expect(Math.abs(value)).toBeLessThan(1e-4);
    }
  },
);

describe('trades', () => {
  it('starts within 0.001·N(0, 1), projected, and ascends the divergence at sign steps of 0.007', () => {
    const starts: Tensor4D[] = [];
    const spying: Maximizer = {
      name: 'spy',
      maximize: (problem, objective) => {
        starts.push(problem.start!);
        expect(objective.name).toBe('divergence');
        return maximizer.maximize(problem, objective);
      },
    };
    const black = { ...batch, images: zerosLike(batch.images) };
    for (const [of, radius] of [
      [batch, epsilon],
      [batch, 5e-4],
      [black, epsilon],
    ] as const) {
      trades({ beta: 6, maximizer: spying }).search!(contextOf(parameters, of, radius));
    }
    const [start, small, clipped] = starts.map((tensor) => Array.from(tensor.dataSync()));
    const deviation = Math.hypot(...start!) / Math.sqrt(start!.length);
    expect(deviation).toBeGreaterThan(0.0007);
    expect(deviation).toBeLessThan(0.0013);
    expect(Math.max(...small!.map(Math.abs))).toBeLessThanOrEqual(5e-4 * 1.0001);
    expect(Math.min(...clipped!)).toBe(0);
  });

  it("finds, by its default, a divergence far above the start's, in the ball", () => {
    const context = contextOf(parameters, batch, 0.031);
    const { perturbation } = trades({ beta: 1 }).search!(context);
    const divergenceAt = (delta: Tensor4D) => {
      const at = (images: Tensor4D) => context.forward(images, 'running').logits;
      return klDivergence(at(context.images), at(add(context.images, delta))).dataSync();
    };
    const start = divergenceAt(mul(0.001, imagesOf(new Array(4 * pixels).fill(1))));
    divergenceAt(perturbation).forEach((found, row) => {
      expect(found).toBeGreaterThan(10 * Math.abs(start[row]!));
    });
    const sizes = linfBall(0.031).size(perturbation).dataSync();
    for (const size of sizes) {
      expect(size).toBeLessThan(0.031 * 1.0001);
      expect(size).toBeGreaterThan(0.02);
    }
  });

  it('reports the divergence', () => {
    const context = contextOf(parameters, batch, epsilon);
    const penalties = penaltyIn(all.trades!(1), context);
    expect(penalties.every((penalty) => penalty > 0)).toBe(true);
    expect([...context.reported.keys()]).toEqual(['divergence']);
  });
});

describe('cure', () => {
  it('looks h away, in the direction of the signs', () => {
    const context = contextOf(parameters, batch, epsilon);
    const { perturbation } = cure({ lambda: 1, h: 0.7 }).search!(context);
    for (const row of perExample(perturbation)) {
      expect(Math.hypot(...row)).toBeCloseTo(0.7, 5);
      expect(new Set(row.map((value) => Math.abs(value).toFixed(6))).size).toBe(1);
    }
  });

  it('squares the norm where asked', () => {
    const plain = penaltyIn(all.cure!(1), contextOf(parameters, batch, epsilon));
    const squared = penaltyIn(all['cure, squared']!(1), contextOf(parameters, batch, epsilon));
    plain.forEach((value, row) => {
      expect(squared[row]! / (value ** 2 / 4)).toBeCloseTo(1, 4);
    });
  });
});

describe('gradAlign', () => {
  it('does not feel the scale of the loss, and is at most 2λ', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (scale) => {
        const scaled: PerExampleLoss = (logits, labels) =>
          mul(scale, crossEntropy(logits, labels)) as Tensor1D;
        const one = penaltyIn(all.gradAlign!(1), contextOf(parameters, batch, epsilon));
        const other = penaltyIn(
          all.gradAlign!(1),
          contextOf(parameters, batch, epsilon, { loss: scaled }),
        );
        other.forEach((value, row) => {
          expect(value).toBeCloseTo(one[row]!, 4);
          expect(value).toBeLessThanOrEqual(4);
          expect(value).toBeGreaterThan(1e-4);
        });
      }),
      { numRuns: 8 },
    );
  });

  it('has the whole λ per right angle: cos is 0 for one example, 1 for the other', () => {
    // ℓ = x₀² / 2 + …: the gradient at x is x itself, so the angle is that between x and x + η.
    const two = batchOf([0, 1]);
    const first = new Array(pixels).fill(0);
    const at = imagesOf([...first.with(0, 0.5), ...first.with(0, 0.5)]);
    const eta = imagesOf([...first.with(0, -0.5).with(1, 0.5), ...first.with(0, 0.25)]);
    const context = plainContext(
      (images) => reshape(mul(0.5, mul(images, images)), [-1, pixels]),
      { ...two, images: at },
      epsilon,
      (logits) => sum(logits, 1),
    );
    const regularizer = gradAlign({ lambda: 3, cleanGradient: 'differentiated' });
    const penalty = regularizer.penalty(context, { perturbation: eta }).dataSync();
    expect(penalty[0]).toBeCloseTo(3, 5);
    expect(penalty[1]).toBeCloseTo(0, 5);
  });

  it('drops an example whose gradient is 0, and only that one', () => {
    const dead = perExample(batch.images).map((row, i) => (i === 1 ? row.map(() => 0) : row));
    const square: PerExampleLoss = (logits) => sum(mul(logits, mul(logits, logits)), 1);
    const context = plainContext(
      (images) => reshape(images, [-1, pixels]),
      { ...batch, images: imagesOf(dead.flat()) },
      epsilon,
      square,
    );
    const regularizer = gradAlign({ lambda: 1 });
    const penalty = regularizer.penalty(context, regularizer.search!(context)).dataSync();
    expect(penalty[1]).toBe(0);
    for (const row of [0, 2, 3]) expect(penalty[row]).toBeGreaterThan(1e-3);
  });
});

describe('elle', () => {
  it('is 0 at either end, and somewhere between it is not', () => {
    const context = contextOf(parameters, batch, epsilon, { batchNorm: false });
    const regularizer = elle({ lambda: 1 });
    const found = regularizer.search!(context);
    const at = (share: number) =>
      regularizer.penalty(context, { ...found, alpha: tensor1d([share, share, share, share]) });
    for (const end of [0, 1]) {
      for (const value of at(end).dataSync()) expect(value).toBeLessThan(1e-10);
    }
    expect(Math.min(...at(0.5).dataSync())).toBeGreaterThan(1e-7);
  });

  it('draws two points of the ball and a share of their own for each example', () => {
    const context = contextOf(parameters, batch, epsilon);
    const { a, b, alpha } = elle({ lambda: 1 }).search!(context);
    const [first, second] = [a, b].map((tensor) => Array.from(tensor.dataSync()));
    expect(first).not.toEqual(second);
    for (const value of [...first!, ...second!]) {
      expect(Math.abs(value)).toBeLessThanOrEqual(epsilon * 1.0001);
    }
    const shares = Array.from(alpha.dataSync());
    expect(new Set(shares).size).toBe(4);
    for (const share of shares) expect(share >= 0 && share < 1).toBe(true);
  });
});

describe('weights', () => {
  it.each([-1, Number.NaN, Infinity])('refuses %d, naming what it was', (bad) => {
    expect(() => trades({ beta: bad })).toThrow(/trades: beta must be 0 or more/);
    expect(() => cure({ lambda: bad, h: 1 })).toThrow(/cure: lambda/);
    expect(() => cure({ lambda: 1, h: bad })).toThrow(/cure: h/);
    expect(() => gradAlign({ lambda: bad })).toThrow(/gradAlign: lambda/);
    expect(() => elle({ lambda: bad })).toThrow(/elle: lambda/);
  });

  it('of the nominal loss are 1 for TRADES and CURE; GradAlign and ELLE leave it to ADV', () => {
    const weightOf = (name: string) => all[name]!(1).nominalWeight;
    expect([weightOf('trades'), weightOf('cure')]).toEqual([1, 1]);
    expect([weightOf('gradAlign'), weightOf('elle')]).toEqual([undefined, undefined]);
    expect(adversarialTraining().nominalWeight).toBe(0);
  });

  it('and the rest of what a regulariser was made with are its settings', () => {
    expect(trades({ beta: 6 }).settings).toEqual({ beta: 6, maximizer: 'sign-10' });
    expect(llr({ lambda: 4, mu: 3 }).settings).toEqual({
      lambda: 4,
      mu: 3,
      variant: 'paper',
      statisticsGradient: 'constant',
      maximizer: 'adam-10',
    });
  });
});
