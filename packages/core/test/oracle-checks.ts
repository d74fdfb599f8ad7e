import {
  adam,
  adversarialTraining,
  checkCrossEntropyBound,
  checkCurvatureBound,
  checkLossBound,
  checkSquaredErrorBound,
  crossEntropy,
  cure,
  differenceOfLogitsRatio,
  elle,
  type ForwardPass,
  ggnQuadratic,
  gradAlign,
  jacobianVectorProduct,
  klDivergence,
  linearize,
  linfBall,
  llr,
  localLinearity,
  localLinearityObjective,
  margin,
  maximizeLocalLinearity,
  type NominalPass,
  type Parameter,
  projectedAscent,
  quadraticModelError,
  type RecordedStatistics,
  type Regularizer,
  randomSource,
  type StatisticsUse,
  squaredError,
  type TrainContext,
  targetedDifferenceOfLogitsRatio,
  targetedMargin,
  trades,
} from '@llr/core';
import { inputGradient } from '@llr/engine';
import { describeEngine, type EngineName, useEngine } from '@llr/engine/node';
import {
  add,
  clone,
  engine,
  getBackend,
  mean,
  mul,
  type NamedTensorMap,
  type Scalar,
  scalar,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor4d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Bound {
  left: number[];
  right: number[];
  tight?: number[];
}

interface QuadraticModelValues {
  loss: number[];
  lossPerturbed: number[];
  directional: number[];
  error: number[];
  jacobianProduct: number[][];
  curvature: number[];
  quadraticError: number[];
  curvatureBound: Bound;
  lossBound: Bound;
  slopeBound: Bound;
}

/** The part of a fixture of tools/oracle that is plain numbers; float64. */
export interface OracleValues {
  labels: number[];
  nominalWeight: number;
  lambda: number;
  mu: number;
  llrObjective: number;
  advObjective: number;
  losses: {
    targets: number[];
    softLabels: number[][];
    otherLogits: number[][];
    values: Record<string, number[]>;
  };
  curvature: Record<'crossEntropy' | 'squaredError', QuadraticModelValues>;
  trajectories: {
    epsilon: number;
    steps: number;
    stepSize: number;
    at: number[];
    residuals: number[][];
    gamma: number[];
  }[];
  regularizers: {
    weights: Record<string, number>;
    objectives: Record<string, number>;
    elleShare: number[];
    cureLength: number;
  };
}

export interface OracleArray {
  shape: readonly number[];
  values: ArrayLike<number>;
}

/** One of the oracle's networks, made here. */
export interface OracleSubject {
  values: OracleValues;
  /** Images, perturbations and gradients by their path. */
  arrays: ReadonlyMap<string, OracleArray>;
  parameters: readonly Parameter[];
  forward(images: Tensor4D, use: StatisticsUse): ForwardPass;
  /** The network at the running statistics. */
  logits(images: Tensor4D): Tensor2D;
  dispose(): void;
}

type PerLogits = (z: Tensor2D) => Tensor1D;

/** The engines of this machine that a number can be checked on, whatever the default one is. */
export const engines: readonly EngineName[] = await usableEngines();

/** wasm and cpu always; of the TensorFlows, of which a process can load one, the one asked for or the first there is. */
async function usableEngines(): Promise<readonly EngineName[]> {
  const installed = (await describeEngine()).engines
    .filter(({ version }) => version !== undefined)
    .map(({ name }) => name);
  const chosen = process.env.LLR_ENGINE as EngineName;
  const onProcessor = installed.filter((name) => ['tensorflow', 'tfjs-node'].includes(name));
  const [tensorFlow] = onProcessor.includes(chosen) ? [chosen] : onProcessor;
  return [...(tensorFlow ? [tensorFlow] : []), 'wasm', 'cpu'];
}

/** Of the norm of each quantity; of the largest term it is made of for a difference such as g. */
const tolerance = 1e-4;

/**
 * Compares every number of the mathematics with the oracle's: losses, curvature and bounds, the search for γ, and
 * all training objectives with their parameter gradients. `ORACLE_REPORT=1` prints the worst errors.
 */
export function describeAgainstOracle(
  name: string,
  prefer: EngineName,
  makeSubject: () => Promise<OracleSubject>,
) {
  describe(`the mathematics of ${name} against PyTorch, on ${prefer}`, () => {
    let subject: OracleSubject;
    let images: Tensor4D;
    let labels: Tensor1D;
    let perturbation: Tensor4D;
    let before: string;
    const worst = new Map<string, number>();

    beforeAll(async () => {
      before = getBackend();
      await useEngine({ prefer });
      subject = await makeSubject();
      images = arrayOf('images');
      perturbation = arrayOf('perturbation');
      labels = tensor1d(subject.values.labels, 'int32');
    });
    afterAll(async () => {
      subject.dispose();
      await engine().setBackend(before);
      if (process.env.ORACLE_REPORT) console.log(report(`${name} on ${prefer}`, worst));
    });

    const arrayOf = (path: string) => {
      const { shape, values } = subject.arrays.get(path)!;
      return tensor4d(Float32Array.from(values), shape as Tensor4D['shape']);
    };

    const agree = (quantity: string, error: number) => {
      worst.set(quantity, Math.max(worst.get(quantity) ?? 0, error));
      expect(error, quantity).toBeLessThan(tolerance);
    };

    describe('losses', () => {
      const lossesOf = (values: OracleValues['losses']): Record<string, PerLogits> => {
        const targets = tensor1d(values.targets, 'int32');
        const soft = tensor2d(values.softLabels);
        const other = tensor2d(values.otherLogits);
        return {
          crossEntropy: (z) => crossEntropy(z, labels),
          softCrossEntropy: (z) => crossEntropy(z, soft),
          squaredError: (z) => squaredError(z, labels),
          margin: (z) => margin(z, labels),
          targetedMargin: (z) => targetedMargin(z, labels, targets),
          differenceOfLogitsRatio: (z) => differenceOfLogitsRatio(z, labels),
          targetedDifferenceOfLogitsRatio: (z) =>
            targetedDifferenceOfLogitsRatio(z, labels, targets),
          klTo: (z) => klDivergence(z, other),
          klFrom: (z) => klDivergence(other, z),
        };
      };

      it('have the same values and input gradients', () => {
        tidy(() => {
          const { values } = subject.values.losses;
          const losses = lossesOf(subject.values.losses);
          expect(Object.keys(losses).sort()).toEqual(Object.keys(values).sort());
          for (const [loss, of] of Object.entries(losses)) {
            const { value, gradient } = inputGradient<Tensor4D>(
              (at) => ({ value: of(subject.logits(at)) }),
              images,
            );
            agree(`${loss}`, relativeError(value.dataSync(), values[loss]!));
            const expected = subject.arrays.get(`loss/${loss}`)!.values;
            const shown = gradient.dataSync().slice(0, expected.length);
            agree(`∇ₓ ${loss}`, relativeError(shown, expected));
          }
        });
      });
    });

    describe.each(['crossEntropy', 'squaredError'] as const)('quadratic model of %s', (name) => {
      const loss = { crossEntropy, squaredError }[name];
      const input = () => ({ logits: subject.logits, images, labels, perturbation, loss });
      const expected = () => subject.values.curvature[name];
      /** The largest term of what is a difference. */
      const scale = () => {
        const terms = expected();
        return terms.loss.map((_, row) =>
          Math.max(
            terms.loss[row]!,
            terms.lossPerturbed[row]!,
            Math.abs(terms.directional[row]!),
            terms.curvature[row]! / 2,
          ),
        );
      };

      it('has the same terms', () => {
        tidy(() => {
          const found = localLinearity(input());
          for (const term of ['loss', 'lossPerturbed', 'directional'] as const) {
            agree(`${term} of ${name}`, relativeError(found[term].dataSync(), expected()[term]));
          }
          agree(`g of ${name}`, worstError(found.error.dataSync(), expected().error, scale()));
          const { product } = jacobianVectorProduct(subject.logits, images, perturbation);
          const flat = expected().jacobianProduct.flat();
          agree('Jδ', relativeError(product.dataSync(), flat));
          const curvature = ggnQuadratic(input()).dataSync();
          agree(`δᵀGδ of ${name}`, relativeError(curvature, expected().curvature));
          const error = quadraticModelError(input()).dataSync();
          agree(`ε(δ) of ${name}`, worstError(error, expected().quadraticError, scale()));
        });
      });

      it('gives the same sides of the bounds', () => {
        tidy(() => {
          const { lossBound, curvatureBound, slopeBound } = expected();
          const check = (bound: string, found: Record<'left' | 'right', Tensor>, sides: Bound) => {
            for (const side of ['left', 'right'] as const) {
              const error = worstError(found[side].dataSync(), sides[side], scale());
              agree(`${side} side of ${bound}, ${name}`, error);
            }
          };
          const linear = checkLossBound(input());
          check('4.1', linear, lossBound);
          const curvature = checkCurvatureBound(input());
          check('(C2)', curvature, curvatureBound);

          // The right side holds the root of the residual g + |ε|, which is compared as such.
          const residual = (right: ArrayLike<number>, factor: number[]) =>
            Array.from(right, (value, row) => value ** 2 / factor[row]!);
          const checkSlope = (
            bound: string,
            found: ArrayLike<number>,
            exact: number[],
            of: number[],
          ) => {
            const error = worstError(residual(found, of), residual(exact, of), scale());
            agree(`right side of ${bound}`, error);
          };
          const slope =
            name === 'crossEntropy'
              ? checkCrossEntropyBound(input())
              : checkSquaredErrorBound(input());
          agree('left side of C.1, C.2', relativeError(slope.left.dataSync(), slopeBound.left));
          const right = slope.right.dataSync();
          if ('tightRight' in slope) {
            const factors = expected().loss.map((value) => 8 * value);
            checkSlope('C.1 as printed', right, slopeBound.right, factors);
            const half = expected().loss.map((value) => 4 * value);
            checkSlope('C.1, tight', slope.tightRight.dataSync(), slopeBound.tight!, half);
          } else {
            const factors = expected().loss.map((value) => 2 * Math.exp(value));
            checkSlope('C.2', right, slopeBound.right, factors);
          }
          for (const { holds } of [linear, curvature, slope]) {
            expect(Array.from(holds.dataSync())).toEqual(subject.values.labels.map(() => 1));
          }
        });
      });
    });

    describe('search for γ', () => {
      const each = (check: (trajectory: number, examples: number) => void) => {
        subject.values.trajectories.forEach(({ gamma }, at) => {
          tidy(() => check(at, gamma.length));
        });
      };
      const firstOf = (examples: number) => ({
        images: slice(images, 0, examples),
        labels: slice(labels, 0, examples),
      });

      it.each(['paper', 'deepmind'] as const)('has the same gradient at its δ (%s)', (variant) => {
        each((trajectory, examples) => {
          const { at, residuals, epsilon } = subject.values.trajectories[trajectory]!;
          const batch = firstOf(examples);
          const around = linearize(subject.logits, batch.images, batch.labels);
          const clean = around.inputGradient.dataSync();
          const objective = localLinearityObjective({ variant, around });
          const state = { ...around };
          at.forEach((step, row) => {
            const path = `trajectory/${trajectory}/${step}`;
            const { value, gradient } = inputGradient<Tensor4D>(
              (delta) => ({
                value: objective.value({
                  logits: subject.logits(add(batch.images, delta)),
                  perturbation: delta,
                  labels: batch.labels,
                  state,
                }),
              }),
              arrayOf(`${path}/perturbation`),
            );
            // Of all of g: sign(residual)·(∇ℓ(x+δ) − ∇ℓ(x)). DeepMind's is without the second term.
            const length = clean.length / examples;
            const linear = clean.map(
              (part, i) => Math.sign(residuals[row]![(i / length) | 0]!) * part,
            );
            const whole = subject.arrays.get(`${path}/gradient`)!.values;
            const perturbed = Array.from(whole, (part, i) => part + linear[i]!);
            const expected = variant === 'paper' ? whole : perturbed;
            const scale = Math.max(Math.hypot(...clean), Math.hypot(...perturbed));
            agree(
              `∇ g (${variant}) along the ascent`,
              distance(gradient.dataSync(), expected) / scale,
            );
            const error = residuals[row]!.map(Math.abs);
            const largest = around.loss.dataSync().map((loss, i) => loss + error[i]!);
            agree('g along the ascent', worstError(value.dataSync(), error, largest));
            expect(largestOf(arrayOf(`${path}/perturbation`).dataSync())).toBeLessThan(
              epsilon + 1e-6,
            );
          });
        });
      });

      it('ends no lower', () => {
        each((trajectory, examples) => {
          const { epsilon, steps, stepSize, gamma } = subject.values.trajectories[trajectory]!;
          const start = () => arrayOf(`trajectory/${trajectory}/0/perturbation`);
          const found = maximizeLocalLinearity({
            ...firstOf(examples),
            logits: subject.logits,
            threat: { ...linfBall(epsilon), start },
            maximizer: projectedAscent({ optimizer: adam(), steps, stepSize, keep: 'best' }),
          });
          const shares = Array.from(found.gamma.dataSync(), (value, i) => value / gamma[i]!);
          const quantity = 'γ, as a share of what is missing';
          worst.set(quantity, Math.max(worst.get(quantity) ?? 0, 1 - Math.min(...shares)));
          expect(Math.min(...shares)).toBeGreaterThan(0.99);
          // Nor much higher: the searches are the same.
          expect(Math.max(...shares)).toBeLessThan(1.05);
        });
      });
    });

    describe('training objective', () => {
      const termOf = (objective: string): Term => {
        const { lambda, mu, nominalWeight, regularizers } = subject.values;
        const paper = { lambda, mu, nominalWeight };
        const weight = regularizers.weights[objective] ?? Number.NaN;
        const h = regularizers.cureLength;
        const at = { perturbation };
        const atDirection = () => ({ perturbation: arrayOf('cure-direction') });
        // Its search draws the oracle's perturbation, and adds the constant gradient at the clean images.
        const searched = (regularizer: ReturnType<typeof gradAlign>) =>
          term(regularizer, regularizer.search!(context()));
        const terms: Record<string, () => Term> = {
          llr: () => term(llr(paper), at),
          llrDeepmind: () => term(llr({ ...paper, variant: 'deepmind' }), at),
          llrThrough: () => term(llr({ ...paper, statisticsGradient: 'through' }), at),
          adv: () => term(adversarialTraining(), at),
          trades: () => term(trades({ beta: weight }), at),
          cure: () => term(cure({ lambda: weight, h }), atDirection()),
          cureSquared: () => term(cure({ lambda: weight, h, squared: true }), atDirection()),
          gradAlign: () => searched(gradAlign({ lambda: weight })),
          gradAlignDifferentiated: () =>
            searched(gradAlign({ lambda: weight, cleanGradient: 'differentiated' })),
          elle: () =>
            term(elle({ lambda: weight }), {
              a: perturbation,
              b: arrayOf('elle-b'),
              alpha: tensor1d(regularizers.elleShare),
            }),
        };
        return terms[objective]!();
      };

      const context = () => contextOf(subject, images, labels, perturbation);

      it.each([
        'llr',
        'llrDeepmind',
        'llrThrough',
        'adv',
        'trades',
        'cure',
        'cureSquared',
        'gradAlign',
        'gradAlignDifferentiated',
        'elle',
      ])('%s has the same value and parameter gradients', (objective) => {
        tidy(() => {
          // DeepMind's variant searches otherwise, and trains on the same objective.
          const at = objective === 'llrDeepmind' ? 'llr' : objective;
          const { llrObjective, advObjective, regularizers } = subject.values;
          const values: Record<string, number> = {
            ...regularizers.objectives,
            llr: llrObjective,
            adv: advObjective,
          };
          const { nominalWeight, penalty } = termOf(objective);
          const { value: found, grads } = variableGrads(
            () =>
              tidy(() => {
                const at = context();
                return mean(add(mul(at.nominal.loss, nominalWeight), penalty(at))) as Scalar;
              }),
            subject.parameters.map(({ variable }) => variable),
          );
          agree(objective, relativeError(found.dataSync(), [values[at]!]));
          for (const { name: parameter, variable } of subject.parameters) {
            const expected = subject.arrays.get(`${at}/${parameter}`)!;
            const gradient = keptChannels(grads[variable.name]!, expected);
            agree(`∇ ${objective}`, relativeError(gradient, expected.values));
          }
        });
      });

      it('cure looks along the same direction', () => {
        tidy(() => {
          const { cureLength } = subject.values.regularizers;
          const found = cure({ lambda: 1, h: cureLength }).search!(context()).perturbation;
          // A sign may differ where a gradient is all but 0.
          const expected = subject.arrays.get('cure-direction')!.values;
          expect(relativeError(found.dataSync(), expected)).toBeLessThan(0.05);
        });
      });
    });
  });
}

/** A regulariser's part of the training objective, with what it would have searched for given. */
interface Term {
  nominalWeight: number;
  penalty(context: TrainContext): Tensor1D;
}

const term = <Found extends NamedTensorMap>(
  { nominalWeight = 1, penalty }: Regularizer<Found>,
  found: Found,
): Term => ({ nominalWeight, penalty: (context) => penalty(context, found) });

/** A training step's context, whose threat model starts at the oracle's perturbation. */
function contextOf(
  { forward }: OracleSubject,
  images: Tensor4D,
  labels: Tensor1D,
  perturbation: Tensor4D,
): TrainContext {
  const indices = Int32Array.from({ length: images.shape[0] }, (_, row) => row);
  return {
    images,
    labels,
    indices,
    threat: { ...linfBall(1), start: () => clone(perturbation) },
    random: randomSource(0).forExamples(indices),
    step: scalar(0),
    epoch: scalar(0),
    loss: crossEntropy,
    nominal: nominalPass(forward, images, labels),
    linearization: (use) => linearize((at) => forward(at, use).logits, images, labels),
    forward,
    freeze: (use) => (at) => forward(at, use).logits,
    report: () => {},
  };
}

/** The nominal pass: statistics of this batch, given back where the input gradient is taken (F.2). */
function nominalPass(
  forward: OracleSubject['forward'],
  images: Tensor4D,
  labels: Tensor1D,
): NominalPass {
  const recorded: RecordedStatistics | 'running' = forward(images, 'batch').recorded ?? 'running';
  const { value, gradient, extra } = inputGradient((at: Tensor4D) => {
    const { logits } = forward(at, recorded);
    return { value: crossEntropy(logits, labels), extra: { logits } };
  }, images);
  return { ...extra, loss: value as Tensor1D, inputGradient: gradient, recorded };
}

/** Of a large gradient the oracle keeps every fourth output channel, the last dimension. */
function keptChannels(gradient: Tensor, { shape, values }: OracleArray): ArrayLike<number> {
  const found = gradient.dataSync();
  const outputs = gradient.shape.at(-1)!;
  if (found.length === values.length) {
    expect(gradient.shape).toEqual([...shape]);
    return found;
  }
  expect(shape).toEqual([...gradient.shape.slice(0, -1), outputs / 4]);
  return found.filter((_, i) => (i % outputs) % 4 === 0);
}

function distance(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.NaN;
  let square = 0;
  for (let i = 0; i < found.length; i++) square += (found[i]! - expected[i]!) ** 2;
  return Math.sqrt(square);
}

/** ‖found − expected‖ / ‖expected‖. */
const relativeError = (found: ArrayLike<number>, expected: ArrayLike<number>): number =>
  distance(found, expected) / Math.sqrt(Array.from(expected).reduce((sum, x) => sum + x * x, 0));

/** The largest difference of an example, relative to that example's scale. */
const worstError = (
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  scale: ArrayLike<number>,
): number =>
  Math.max(...Array.from(expected, (value, i) => Math.abs(found[i]! - value) / scale[i]!));

const largestOf = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);

const report = (title: string, errors: ReadonlyMap<string, number>): string =>
  [title, ...[...errors].map(([quantity, error]) => `${error.toExponential(1)}  ${quantity}`)].join(
    '\n',
  );
