import { inputGradient } from '@llr/engine';
import { useEngine } from '@llr/engine/node';
import {
  conv2d,
  mean,
  memory,
  mul,
  softplus,
  square,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logCrossEntropyCurvature } from '../src/curvature/hessian-factor.ts';
import {
  type ConvexLoss,
  crossEntropy,
  crossEntropyHessianFactor,
  ggnQuadratic,
  jacobianVectorProduct,
  margin,
  quadraticModel,
  quadraticModelError,
  squaredError,
} from '../src/index.ts';
import { affine, batchOf, classes, imagesOf, numbers, perExample, pixels } from './networks.ts';
import {
  dot,
  exactLogSoftmax,
  exactLosses,
  exactModel,
  oneHotRow,
  perturbationOf,
  twoLayers,
  valuesOf,
} from './quadratic-oracle.ts';

const losses = { crossEntropy, squaredError };
const lossNames = ['crossEntropy', 'squaredError'] as const;

/** A problem of three examples, random in everything. */
const problems = fc.record({
  seed: fc.nat(10_000),
  kind: fc.constantFrom('random' as const, 'adversarial' as const),
  epsilon: fc.constantFrom(1e-3, 8 / 255, 0.1, 0.5),
  name: fc.constantFrom(...lossNames),
});
type ProblemAt = typeof problems extends fc.Arbitrary<infer P> ? P : never;

function make({ seed, kind, epsilon, name }: ProblemAt) {
  const network = twoLayers(seed);
  const batch = batchOf([seed, seed + 1, seed + 2]);
  const targets = Array.from(batch.labels.dataSync(), oneHotRow);
  const at = { network, loss: exactLosses[name], images: batch.images, targets };
  const perturbation = perturbationOf(kind, seed, epsilon, at);
  const deltas = perExample(perturbation);
  const exact = perExample(batch.images).map((image, row) =>
    exactModel(exactLosses[name], network, image, targets[row]!, deltas[row]!),
  );
  const { images, labels } = batch;
  const input = { logits: network.logits, images, labels, perturbation, loss: losses[name] };
  return { network, exact, input };
}

describe.each(['wasm', 'cpu'] as const)('on %s', (engine) => {
  beforeAll(() => useEngine({ prefer: engine }));
  afterAll(() => useEngine());

  test('jacobianVectorProduct is Jδ, δᵀGδ is (Jδ)ᵀH(Jδ), and ε(δ) what is left over', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        tidy(() => {
          const { exact, input } = make(problem);
          const { value, product } = jacobianVectorProduct(
            input.logits,
            input.images,
            input.perturbation,
          );
          const [z, change] = [perExample(value), perExample(product)];
          const curvature = ggnQuadratic(input).dataSync();
          const modelError = quadraticModelError(input).dataSync();
          exact.forEach((row, i) => {
            const scale = Math.hypot(...row.change);
            row.change.forEach((by, k) => {
              expect(Math.abs(change[i]![k]! - by)).toBeLessThanOrEqual(1e-5 * scale);
              expect(z[i]![k]).toBeCloseTo(row.logits[k]!, 4);
            });
            expect(curvature[i]).toBeGreaterThanOrEqual(0);
            // A curvature between logits that move alike is a small difference, exact as they are.
            expect(Math.abs(curvature[i]! - row.curvature)).toBeLessThanOrEqual(
              1e-4 * row.curvature + 1e-10 * scale ** 2,
            );
            expect(Math.abs(modelError[i]! - row.modelError)).toBeLessThanOrEqual(
              1e-5 * row.largest,
            );
          });
        });
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test('log δᵀGδ stays right where all probabilities but one underflow', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.constantFrom(1, 30, 1e3, 1e4), (seed, size) => {
        tidy(() => {
          const z = tensor2d(numbers(seed, 2 * classes, -size, size), [2, classes]);
          const v = tensor2d(numbers(seed + 1, 2 * classes, -3, 3), [2, classes]);
          const found = logCrossEntropyCurvature(z, v).dataSync();
          perExample(z).forEach((row, i) => {
            const wanted = exactLogCurvature(row, perExample(v)[i]!);
            expect(Math.abs(found[i]! - wanted)).toBeLessThanOrEqual(1e-5 * Math.max(1, size));
          });
        });
      }),
      { numRuns: 60, seed: 2 },
    );
  });
});

/** log ½Σᵢⱼ pᵢpⱼ(vᵢ − vⱼ)², which is log vᵀ(diag(p) − ppᵀ)v, in float64. */
function exactLogCurvature(z: number[], v: number[]): number {
  const logP = exactLogSoftmax(z);
  const terms = logP.flatMap((a, i) =>
    logP.map((b, j) => a + b + 2 * Math.log(Math.abs(v[i]! - v[j]!))),
  );
  const largest = Math.max(...terms);
  return largest + Math.log(terms.reduce((s, t) => s + Math.exp(t - largest), 0) / 2);
}

describe('jacobianVectorProduct', () => {
  /** Convolutions with a stride, a saved output (tanh) and a mean: what a classifier is made of. */
  function convolutional(): (images: Tensor4D) => Tensor2D {
    const first = tensor4d(numbers(1, 3 * 3 * 2 * 4, -1, 1), [3, 3, 2, 4]);
    const second = tensor4d(numbers(2, 3 * 3 * 4 * 4, -1, 1), [3, 3, 4, 4]);
    return (images) => {
      const low = softplus(conv2d(images, first, 2, 'same'));
      return mean(tanh(conv2d(low, second, 1, 'same')), [1, 2]) as Tensor2D;
    };
  }

  test('is the adjoint of the gradient, uᵀ(Jv) = vᵀ(Jᵀu), for a convolutional network', () => {
    tidy(() => {
      const f = convolutional();
      const x = tensor(numbers(3, 2 * 6 * 6 * 2), [2, 6, 6, 2]) as Tensor4D;
      const v = tensor(numbers(4, 2 * 6 * 6 * 2, -1, 1), [2, 6, 6, 2]) as Tensor4D;
      const u = tensor2d(numbers(5, 2 * 4, -1, 1), [2, 4]);
      const { value, product } = jacobianVectorProduct(f, x, v);
      const pulledBack = inputGradient((at: Tensor4D) => ({ value: mul(u, f(at)) }), x).gradient;
      const forwards = sum(mul(u, product), 1).dataSync();
      const backwards = sum(mul(v, pulledBack), [1, 2, 3]).dataSync();
      expect(value.dataSync()).toEqual(f(x).dataSync());
      forwards.forEach((found, row) => {
        expect(Math.abs(found)).toBeGreaterThan(1e-2);
        expect(found).toBeCloseTo(backwards[row]!, 5);
      });
    });
  });

  test('takes a tensor of any shape', () => {
    tidy(() => {
      const x = tensor1d([1, 2, 3]);
      const { value, product } = jacobianVectorProduct(
        (at: Tensor1D) => square(at) as Tensor,
        x,
        tensor1d([1, -1, 0.5]),
      );
      expect(Array.from(value.dataSync())).toEqual([1, 4, 9]);
      expect(Array.from(product.dataSync())).toEqual([2, -4, 3]);
      const whole = jacobianVectorProduct((at: Tensor1D) => sum(at) as Tensor, x, x);
      expect(whole.product.shape).toEqual([]);
      expect(whole.product.dataSync()[0]).toBe(6);
    });
  });

  test('refuses a direction of another shape, which would be broadcast', () => {
    tidy(() => {
      const { images } = batchOf([1, 2]);
      const one = imagesOf(numbers(1, pixels));
      expect(() => jacobianVectorProduct(affine(1), images, one)).toThrow(
        'v must be shaped like x, [2, 3, 2, 2]; got [1, 3, 2, 2].',
      );
    });
  });
});

describe('the factor of the Hessian of cross-entropy', () => {
  const rows = fc.array(
    fc.tuple(
      ...Array.from({ length: classes }, () => fc.float({ min: -30, max: 30, noNaN: true })),
    ),
    { minLength: 1, maxLength: 3 },
  );

  test('is CCᵀ = diag(p) − ppᵀ, with Cᵀ read off column by column', () => {
    fc.assert(
      fc.property(rows, (logits) => {
        tidy(() => {
          const z = tensor2d(logits as number[][]);
          // columns[k][i] is Cᵀeₖ of example i: the k-th row of C.
          const columns = Array.from({ length: classes }, (_, k) =>
            perExample(crossEntropyHessianFactor(z, tensor2d(logits.map(() => oneHotRow(k))))),
          );
          perExample(z).forEach((row, i) => {
            const wanted = exactLosses.crossEntropy.hessian(row);
            wanted.forEach((line, a) => {
              line.forEach((h, b) => {
                expect(dot(columns[a]![i]!, columns[b]![i]!)).toBeCloseTo(h, 6);
              });
            });
          });
        });
      }),
    );
  });

  test('is C = diag(q) − pqᵀ itself, and blind to a shift of all logits', () => {
    tidy(() => {
      const z = [0.3, -1, 2, 0.5];
      const p = exactLogSoftmax(z).map(Math.exp);
      const q = p.map(Math.sqrt);
      const v = [1, -2, 0.5, 3];
      const [found] = perExample(crossEntropyHessianFactor(tensor2d([z]), tensor2d([v])));
      p.forEach((_, k) => {
        // (Cᵀv)ₖ = qₖvₖ − qₖ Σ pᵢvᵢ
        expect(found![k]).toBeCloseTo(q[k]! * v[k]! - q[k]! * dot(p, v), 6);
      });
      const shift = crossEntropyHessianFactor(tensor2d([z]), tensor2d([[7, 7, 7, 7]])).dataSync();
      for (const entry of shift) expect(Math.abs(entry)).toBeLessThan(1e-5);
    });
  });
});

describe('ggnQuadratic', () => {
  test('is quadratic in δ, and differentiable in it: Gδ', () => {
    tidy(() => {
      const { network, input } = make({
        seed: 3,
        kind: 'random',
        epsilon: 0.1,
        name: 'crossEntropy',
      });
      const at = (perturbation: Tensor4D) => ggnQuadratic({ ...input, perturbation });
      const once = at(input.perturbation).dataSync();
      const thrice = at(mul(3, input.perturbation)).dataSync();
      const { gradient } = inputGradient(
        (delta: Tensor4D) => ({ value: at(delta) }),
        input.perturbation,
      );
      const deltas = perExample(input.perturbation);
      perExample(input.images).forEach((image, row) => {
        expect(thrice[row]! / once[row]!).toBeCloseTo(9, 3);
        const jacobian = network.jacobian(image);
        const change = jacobian.map((line) => dot(line, deltas[row]!));
        const pushed = exactLosses.crossEntropy
          .hessian(network.exact(image))
          .map((line) => dot(line, change));
        perExample(gradient)[row]!.forEach((slope, i) => {
          expect(slope).toBeCloseTo(
            2 * jacobian.reduce((s, line, k) => s + line[i]! * pushed[k]!, 0),
            4,
          );
        });
      });
    });
  });

  test('refuses a loss whose Hessian it does not know', () => {
    tidy(() => {
      const { input } = make({ seed: 3, kind: 'random', epsilon: 0.1, name: 'crossEntropy' });
      expect(() => ggnQuadratic({ ...input, loss: margin as unknown as ConvexLoss })).toThrow(
        'The Generalized Gauss-Newton matrix is known for crossEntropy and squaredError of @llr/core; got the loss "margin".',
      );
    });
  });

  test('needs two forward passes, each of the whole batch', () => {
    tidy(() => {
      const { input } = make({ seed: 3, kind: 'random', epsilon: 0.1, name: 'crossEntropy' });
      let passes = 0;
      const logits = (at: Tensor4D) => {
        passes++;
        expect(at.shape).toEqual(input.images.shape);
        return input.logits(at);
      };
      ggnQuadratic({ ...input, logits });
      expect(passes).toBe(2);
      // ℓ(x) with ∇ₓℓ(x), and ℓ(x+δ).
      quadraticModel({ ...input, logits });
      expect(passes).toBe(2 + 4);
    });
  });
});

describe('quadraticModel', () => {
  test('gives every term of (C1), which add up', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        tidy(() => {
          const { exact, input } = make(problem);
          const found = valuesOf(quadraticModel(input));
          const change = found.logitChange;
          exact.forEach((row, i) => {
            const allowed = 1e-5 * row.largest;
            for (const part of ['loss', 'lossPerturbed', 'directional', 'error'] as const) {
              expect(Math.abs(found[part][i]! - row[part])).toBeLessThanOrEqual(allowed);
            }
            const modelled =
              found.loss[i]! +
              found.directional[i]! +
              found.curvature[i]! / 2 +
              found.modelError[i]!;
            expect(Math.abs(modelled - found.lossPerturbed[i]!)).toBeLessThanOrEqual(allowed);
            row.change.forEach((by, k) => {
              expect(change[i * classes + k]).toBeCloseTo(by, 4);
            });
          });
        });
      }),
      { numRuns: 30, seed: 3 },
    );
  });

  test('is exact for the squared error of an affine network: ε(δ) = 0', () => {
    tidy(() => {
      const batch = batchOf([1, 2, 3]);
      const perturbation = imagesOf(numbers(1, 3 * pixels, -0.5, 0.5));
      const found = quadraticModel({
        ...batch,
        logits: affine(7),
        perturbation,
        loss: squaredError,
      });
      const model = valuesOf({ error: found.modelError, curvature: found.curvature });
      model.error.forEach((error, row) => {
        expect(model.curvature[row]).toBeGreaterThan(0.1);
        expect(Math.abs(error)).toBeLessThan(1e-5);
      });
    });
  });

  test('belongs to the example, whatever else is in the batch and in which order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2], { minLength: 1 }), (order) => {
        tidy(() => {
          const { input } = make({ seed: 5, kind: 'random', epsilon: 0.2, name: 'crossEntropy' });
          const pick = (values: number[][]) => imagesOf(order.flatMap((row) => values[row]!));
          const all = valuesOf(quadraticModel(input));
          const some = valuesOf(
            quadraticModel({
              ...input,
              images: pick(perExample(input.images)),
              perturbation: pick(perExample(input.perturbation)),
              labels: tensor1d(
                order.map((row) => input.labels.dataSync()[row]!),
                'int32',
              ),
            }),
          );
          for (const part of ['error', 'curvature', 'modelError', 'directional'] as const) {
            order.forEach((row, at) => {
              expect(some[part][at]).toBeCloseTo(all[part][row]!, 5);
            });
          }
        });
      }),
      { numRuns: 15 },
    );
  });

  test('leaves no tensor behind but its results, over 100 calls', () => {
    const { input } = make({ seed: 5, kind: 'random', epsilon: 0.2, name: 'crossEntropy' });
    const before = memory().numTensors;
    for (let call = 0; call < 100; call++) {
      const model = quadraticModel(input);
      const one = [ggnQuadratic(input), quadraticModelError(input)];
      expect(memory().numTensors).toBe(before + Object.keys(model).length + one.length);
      for (const left of [...Object.values(model), ...one]) left.dispose();
    }
    expect(memory().numTensors).toBe(before);
  });
});
