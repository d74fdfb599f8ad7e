import { installHigherOrderGradients } from '@llr/engine';
import { grads, sum, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  adversarialTraining,
  cure,
  elle,
  gradAlign,
  llr,
  type Regularizer,
  trades,
} from '../src/index.ts';
import { batchOf, imagesOf, numbers, perExample, pixels } from './networks.ts';
import {
  contextOf,
  forward64,
  gradients64,
  losses64,
  names,
  type Parameters64,
  tensorsOf,
  type Use64,
  weights,
} from './regularizers-network.ts';

const batch = batchOf([3, 1, 4, 15]);
const images = perExample(batch.images);
const labels = Array.from(batch.labels.dataSync());
const epsilon = 0.3;
const h = 0.4;
const perturbation = imagesOf(numbers(71, 4 * pixels, -epsilon, epsilon));
const delta = perExample(perturbation);
const other = imagesOf(numbers(72, 4 * pixels, -epsilon, epsilon));

const dot = (a: number[], b: number[]) => a.reduce((total, x, i) => total + x * b[i]!, 0);
const length = (a: number[]) => Math.sqrt(dot(a, a));
const minus = (a: number[], b: number[]) => a.map((x, i) => x - b[i]!);
const shifted = (by: number[][]) => images.map((image, i) => image.map((x, j) => x + by[i]![j]!));
const softmax = (z: number[]) => {
  const largest = Math.max(...z);
  const total = z.reduce((t, x) => t + Math.exp(x - largest), 0);
  return z.map((x) => Math.exp(x - largest) / total);
};

/** A penalty a second time: from its formula, in float64, per example, as a function of the parameters. */
type Exact = (p: Parameters64, batchNorm: boolean) => number[];

const lossAt = (p: Parameters64, at: number[][], use: Use64, bn: boolean) =>
  losses64(p, at, labels, use, bn);
const slopeAt = (p: Parameters64, at: number[][], use: Use64, bn: boolean) =>
  gradients64(p, at, labels, use, bn);

const exactLlr =
  (lambda: number, mu: number, statisticsGradient: 'constant' | 'through'): Exact =>
  (p, bn) => {
    const { recorded } = forward64(p, images, 'batch', bn);
    const loss = lossAt(p, images, recorded, bn);
    const perturbed = lossAt(p, shifted(delta), recorded, bn);
    const slope = slopeAt(p, images, statisticsGradient === 'constant' ? recorded : 'batch', bn);
    return loss.map((value, i) => {
      const linear = dot(delta[i]!, slope[i]!);
      return lambda * Math.abs(perturbed[i]! - value - linear) + mu * Math.abs(linear);
    });
  };

const exactTrades =
  (beta: number): Exact =>
  (p, bn) => {
    const clean = forward64(p, images, 'batch', bn).logits.map(softmax);
    const adversarial = forward64(p, shifted(delta), 'batch', bn).logits.map(softmax);
    return clean.map((row, i) =>
      row.reduce((kl, pk, k) => kl + beta * pk * Math.log(pk / adversarial[i]![k]!), 0),
    );
  };

const exactCure =
  (lambda: number, squared: boolean): Exact =>
  (p, bn) => {
    const z = cureDirection(bn);
    const there = slopeAt(p, shifted(z), 'running', bn);
    const here = slopeAt(p, images, 'running', bn);
    return there.map((g, i) => lambda * length(minus(g, here[i]!)) ** (squared ? 2 : 1));
  };

/** z, a constant: at the parameters given, not those moved. */
function cureDirection(bn: boolean): number[][] {
  return slopeAt(weights, images, 'running', bn).map((g) => {
    const signs = g.map(Math.sign);
    return signs.map((s) => (h * s) / length(signs));
  });
}

const exactGradAlign =
  (lambda: number, constant: boolean): Exact =>
  (p, bn) => {
    const here = slopeAt(constant ? weights : p, images, 'batch', bn);
    const there = slopeAt(p, shifted(delta), 'batch', bn);
    return here.map((g, i) => {
      const cosine = dot(g, there[i]!) / (length(g) * length(there[i]!));
      return lambda * (1 - cosine);
    });
  };

const exactElle =
  (lambda: number, alpha: number[]): Exact =>
  (p, bn) => {
    const b = perExample(other);
    const between = delta.map((a, i) =>
      a.map((x, j) => (1 - alpha[i]!) * x + alpha[i]! * b[i]![j]!),
    );
    const all = [...shifted(delta), ...shifted(b), ...shifted(between)];
    const loss = lossAt(p, all, 'batch', bn);
    return alpha.map((share, i) => {
      const interpolated = (1 - share) * loss[i]! + share * loss[i + 4]!;
      return lambda * (loss[i + 8]! - interpolated) ** 2;
    });
  };

const exactAdversarialTraining: Exact = (p, bn) => lossAt(p, shifted(delta), 'batch', bn);

/** Without batch norm, its scale and offset play no part. */
const used = (batchNorm: boolean) => (batchNorm ? names : (['first', 'second'] as const));

const exactGradient = (exact: Exact, batchNorm: boolean, step = 1e-4) =>
  used(batchNorm).flatMap((name) =>
    weights[name].map((_, at) => {
      const moved = (by: number) => {
        const shift = weights[name].map((w, i) => (i === at ? w + by : w));
        return exact({ ...weights, [name]: shift }, batchNorm).reduce((a, b) => a + b, 0);
      };
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  );

function ours(regularizer: Regularizer<never>, found: Record<string, Tensor>, batchNorm: boolean) {
  installHigherOrderGradients();
  return tidy(() => {
    const parameters = tensorsOf(weights);
    const moving = used(batchNorm);
    let values: number[] = [];
    const gradients = grads((...tensors: Tensor[]) => {
      const now = { ...parameters, ...Object.fromEntries(moving.map((n, i) => [n, tensors[i]!])) };
      const context = contextOf(now, batch, epsilon, { batchNorm });
      const penalty = regularizer.penalty(context, found as never);
      values = Array.from(penalty.dataSync());
      return sum(penalty);
    })(moving.map((name) => parameters[name]));
    return { values, gradient: gradients.flatMap((g) => Array.from(g.dataSync())) };
  });
}

const relativeError = (a: number[], b: number[]) => length(minus(a, b)) / length(b);

/** What a search finds, some of it replaced by what is given. */
const searched = (given: Record<string, Tensor>) => (regularizer: Regularizer, bn: boolean) => ({
  ...regularizer.search!(contextOf(tensorsOf(weights), batch, epsilon, { batchNorm: bn })),
  ...given,
});
const given = (found: Record<string, Tensor>) => () => found;

const alpha = [0.25, 0.5, 0.7, 0.1];

const cases = {
  llr: [llr({ lambda: 4, mu: 3 }), exactLlr(4, 3, 'constant'), given({ perturbation })],
  'llr, γ alone': [llr({ lambda: 4, mu: 0 }), exactLlr(4, 0, 'constant'), given({ perturbation })],
  'llr through the statistics': [
    llr({ lambda: 4, mu: 3, statisticsGradient: 'through' }),
    exactLlr(4, 3, 'through'),
    given({ perturbation }),
  ],
  adversarialTraining: [adversarialTraining(), exactAdversarialTraining, given({ perturbation })],
  trades: [trades({ beta: 6 }), exactTrades(6), given({ perturbation })],
  cure: [cure({ lambda: 4, h }), exactCure(4, false), searched({})],
  'cure, squared': [cure({ lambda: 4, h, squared: true }), exactCure(4, true), searched({})],
  gradAlign: [gradAlign({ lambda: 2 }), exactGradAlign(2, true), searched({ perturbation })],
  'gradAlign, both gradients differentiated': [
    gradAlign({ lambda: 2, cleanGradient: 'differentiated' }),
    exactGradAlign(2, false),
    searched({ perturbation }),
  ],
  elle: [
    elle({ lambda: 1000 }),
    exactElle(1000, alpha),
    given({ a: perturbation, b: other, alpha: tensor1d(alpha) }),
  ],
} as const;

describe.each([true, false])('with batch norm: %s', (batchNorm) => {
  it.each(Object.keys(cases) as (keyof typeof cases)[])(
    '%s has the penalty and the parameter gradient of its formula',
    (name) => {
      const [typed, exact, find] = cases[name];
      const regularizer = typed as unknown as Regularizer;
      const found = find(regularizer, batchNorm);
      const { values, gradient } = ours(regularizer as never, found, batchNorm);
      expect(relativeError(values, exact(weights, batchNorm))).toBeLessThan(1e-4);
      const wanted = exactGradient(exact, batchNorm);
      expect(length(wanted)).toBeGreaterThan(0.1);
      expect(relativeError(gradient, wanted)).toBeLessThan(1e-4);
    },
  );
});
