import {
  adversarialTraining,
  crossEntropy,
  ggnQuadratic,
  jacobianVectorProduct,
  linearityError,
  linearize,
  llr,
  type RecordedStatistics,
  type TrainContext,
} from '@llr/core';
import { compile, inputGradient } from '@llr/engine';
import {
  add,
  mean,
  mul,
  type NamedTensorMap,
  reshape,
  type Scalar,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import type { ConfiguredClassifier } from '../src/index.ts';
import {
  type Batch,
  contextOf,
  nominalPass,
  parameterGradients,
  relativeError,
} from './oracle-fixture.ts';

export interface Weighting {
  nominalWeight: number;
  lambda: number;
  mu: number;
}

/**
 * Everything that tools/oracle/quantities.py computes, under the same paths, in parts: each is compiled and
 * run, and the caller disposes of what it gives.
 *
 * @param use - the statistics of the nominal pass and of adversarial training
 */
export function quantitiesOf(
  model: ConfiguredClassifier,
  use: 'running' | 'batch',
  weighting: Weighting,
): Record<string, (batch: Batch) => NamedTensorMap> {
  const parts: Record<string, (batch: Batch) => NamedTensorMap> = {
    'values and first order': (batch) => {
      const { recorded, ...nominal } = nominalPass(model, batch, use);
      const lossPerturbed = crossEntropy(
        model.forward(add(batch.images, batch.perturbation), recorded).logits,
        batch.labels,
      );
      return {
        logits: nominal.logits,
        inputGradient: nominal.inputGradient,
        ...linearityError(nominal, lossPerturbed, batch.perturbation),
      };
    },
    'second order in x': (batch) => {
      const logits = fixedLogits(model, batch, use);
      return ofTheInput(logits, batch);
    },
    llr: (batch) =>
      withGradients('llr', model, () => {
        const nominal = nominalPass(model, batch, use);
        const penalty = llr(weighting).penalty(contextOf(model, batch, nominal), batch);
        return mean(add(mul(nominal.loss, weighting.nominalWeight), penalty)) as Scalar;
      }),
    adv: (batch) =>
      withGradients('adv', model, () => {
        const context = contextOf(model, batch, {} as TrainContext['nominal']);
        const forward: TrainContext['forward'] = (at) => model.forward(at, use);
        const penalty = adversarialTraining().penalty({ ...context, forward }, batch);
        return mean(penalty) as Scalar;
      }),
  };
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, compiledOnce(name, part)]),
  );
}

/**
 * Logits, input gradient and the gradients of the loss for every parameter, with batch norm folded into the
 * convolutions and without.
 */
export function foldedAndNot(
  model: ConfiguredClassifier,
  use: 'running' | 'batch',
): Record<'folded' | 'unfolded', (batch: Batch) => NamedTensorMap> {
  const of = (
    logitsAt: (statistics: RecordedStatistics | 'running') => (x: Tensor4D) => Tensor2D,
  ) =>
    compiledOnce('frozen', (batch: Batch) => {
      const logits = logitsAt(recordedAt(model, batch, use));
      const { inputGradient: gradient } = linearize(logits, batch.images, batch.labels);
      const loss = () => mean(crossEntropy(logits(batch.images), batch.labels)) as Scalar;
      return {
        logits: logits(batch.images),
        inputGradient: gradient,
        ...withGradients('loss', model, loss),
      };
    });
  return {
    folded: of((statistics) => model.freeze(statistics)),
    unfolded: of((statistics) => (x) => model.forward(x, statistics).logits),
  };
}

/** A graph of a large network isn't kept longer than it is needed. */
function compiledOnce(name: string, part: (batch: Batch) => NamedTensorMap) {
  return (batch: Batch) => {
    const compiled = compile(part, { name });
    const found = compiled(batch);
    compiled.dispose();
    return found;
  };
}

const recordedAt = (model: ConfiguredClassifier, { images }: Batch, use: 'running' | 'batch') =>
  model.forward(images, use).recorded ?? 'running';

function fixedLogits(model: ConfiguredClassifier, batch: Batch, use: 'running' | 'batch') {
  const statistics = recordedAt(model, batch, use);
  return (at: Tensor4D) => model.forward(at, statistics).logits;
}

function ofTheInput(
  logits: (at: Tensor4D) => Tensor2D,
  { images, labels, perturbation }: Batch,
): NamedTensorMap {
  const slope = (at: Tensor4D) => {
    const around = linearize(logits, at, labels);
    const lossPerturbed = crossEntropy(logits(add(at, perturbation)), labels);
    return linearityError(around, lossPerturbed, perturbation);
  };
  const gradientOf = (value: (at: Tensor4D) => ReturnType<typeof sum>) =>
    inputGradient((at: Tensor4D) => ({ value: value(at) }), images).gradient;
  return {
    jacobianProduct: jacobianVectorProduct(logits, images, perturbation).product,
    curvature: ggnQuadratic({ logits, images, perturbation }),
    hessianProduct: gradientOf((at) => {
      const { inputGradient: gradient } = linearize(logits, at, labels);
      return sum(mul(perturbation, gradient));
    }),
    errorGradient: gradientOf((at) => slope(at).error),
  };
}

/** `NAMEObjective`, and its gradients under `NAME/` and the parameter's name. */
function withGradients(name: string, model: ConfiguredClassifier, objective: () => Scalar) {
  const { value, gradients } = parameterGradients(model, objective);
  return {
    [`${name}Objective`]: reshape(value, [1]),
    ...Object.fromEntries(gradients.map((found) => [`${name}/${found.name}`, found.gradient])),
  };
}

/**
 * The error of one quantity, relative to its norm. g is a small difference of losses and as exact as they are:
 * its error is relative to the larger one.
 */
export function errorOf(
  path: string,
  found: Tensor,
  expected: (path: string) => Float32Array,
): number {
  if (path !== 'error') return relativeError(found, expected(path));
  const [loss, lossPerturbed] = [expected('loss'), expected('lossPerturbed')];
  const errors = found.dataSync().map((value, row) => {
    const difference = Math.abs(value - expected(path)[row]!);
    return difference / Math.max(loss[row]!, lossPerturbed[row]!);
  });
  return Math.max(...errors);
}

/** The largest error of each quantity; of an objective's gradient, that of the worst parameter. */
export class WorstErrors extends Map<string, number> {
  take(path: string, error: number): void {
    const quantity = path.split('/')[0]!;
    this.set(quantity, Math.max(this.get(quantity) ?? 0, error));
  }
}
