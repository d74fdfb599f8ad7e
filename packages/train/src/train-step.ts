import type {
  Batch,
  PerExampleLoss,
  RandomSource,
  Regularizer,
  TrainableClassifier,
} from '@llr/core';
import { withoutGradient } from '@llr/engine';
import {
  addN,
  argMax,
  cast,
  dispose,
  equal,
  keep,
  mean,
  mul,
  type NamedTensorMap,
  type Scalar,
  scalar,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tensor1d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { createTrainContext } from './context.ts';
import { nominalWeightOf } from './nominal-weight.ts';
import type { WeightOptimizer } from './optimizers/weight-optimizer.ts';
import { assertThreat, ballOf, type ThreatDescription } from './threat.ts';

/** What stays the same from step to step. */
export interface StepSetup {
  classifier: TrainableClassifier;
  regularizers: readonly Regularizer[];
  optimizer: WeightOptimizer;
  loss: PerExampleLoss;
  random: RandomSource;
  /** Which ball the perturbations are in; its ε comes step by step. Default `'linf'`. */
  norm?: ThreatDescription['norm'];
}

/** What changes. */
export interface StepInput {
  batch: Batch;
  step: number;
  epoch: number;
  epsilon: number;
  learningRate: number;
}

/** The numbers of one step, by name: means over the batch. */
export type StepMetrics = Record<string, number>;

/** What changes, as a compiled step takes it: nothing but tensors, and the random source that they come from. */
export interface StepTensors {
  images: Tensor4D;
  labels: Tensor1D;
  /** Bound to the step and to the batch's examples. */
  random: RandomSource;
  step: Scalar;
  epoch: Scalar;
  /** ε, `[1]`. */
  radius: Tensor1D;
  learningRate: Scalar;
}

/**
 * One step of training: search for each regulariser's perturbations, differentiate
 * L = w·ℓ(x) + Σ penalties (means over the batch), move the parameters, and update running statistics
 * once from the nominal pass. `createStepper` makes many of them, compiled.
 *
 * @throws when a regulariser returns something other than a finite `[b]`, naming it
 */
export const trainStep = (setup: StepSetup, input: StepInput): StepMetrics =>
  runStep(setup, input, (tensors) => tidy(() => stepOn(setup, tensors, input.batch.indices)));

/** Gives a step its input as tensors, and reads and checks the metrics that it returns. */
export function runStep(
  { random, norm = 'linf' }: StepSetup,
  input: StepInput,
  run: (tensors: StepTensors) => NamedTensorMap,
): StepMetrics {
  const { batch, step, epoch, epsilon, learningRate } = input;
  assertThreat({ norm, epsilon });
  return tidy(() => {
    const measured = run({
      images: batch.images,
      labels: batch.labels,
      random: random.fork('step', step).forExamples(batch.indices),
      step: scalar(step),
      epoch: scalar(epoch),
      radius: tensor1d([epsilon]),
      learningRate: scalar(learningRate),
    });
    const metrics = Object.fromEntries(
      Object.entries(measured).map(([name, value]) => [name, value.dataSync()[0]!]),
    );
    dispose(measured);
    assertFinite(metrics, input);
    return metrics;
  });
}

/** A step as a function of tensors, which assigns to the variables of the network and of the optimiser. */
export function stepOn(
  { classifier, regularizers, optimizer, loss, norm = 'linf' }: StepSetup,
  { images, labels, random, step, epoch, radius, learningRate }: StepTensors,
  indices: Int32Array,
): NamedTensorMap {
  const measured: Record<string, Scalar> = {};
  const context = createTrainContext({
    classifier,
    batch: { images, labels, indices },
    threat: ballOf(norm, radius),
    random,
    step,
    epoch,
    loss,
    report: (name, value) => {
      measured[name] = keep(value.clone());
    },
  });
  const parameters = classifier.parameters.map(({ variable }) => variable);
  const { value, grads } = variableGrads(() => {
    const penalties = regularizers.map((regularizer) => {
      const found = withoutGradient(() => tidy(() => regularizer.search?.(context) ?? {}));
      const penalty = regularizer.penalty(context, found);
      assertPerExample(regularizer, penalty, labels.shape[0]);
      context.report(`penalty of ${regularizer.name}`, penalty);
      return penalty;
    });
    return objectiveOf(context, penalties, nominalWeightOf(regularizers));
  }, parameters);
  // Before the parameters move, in case nobody has asked for the nominal pass yet.
  const { recorded } = context.nominal;
  optimizer.apply(grads, learningRate);
  if (recorded !== 'running') classifier.updateRunning(recorded);
  context.dispose();
  for (const scalarOf of Object.values(measured)) scalarOf.kept = false;
  return { objective: value, ...measured };
}

function objectiveOf(
  context: ReturnType<typeof createTrainContext>,
  penalties: readonly Tensor1D[],
  nominalWeight: number,
): Scalar {
  const terms: Tensor[] = penalties.map((penalty) => mean(penalty));
  if (nominalWeight > 0) {
    const { logits, loss } = context.nominal;
    terms.push(mul(mean(loss), nominalWeight));
    context.report('loss', loss);
    context.report('accuracy', cast(equal(argMax(logits, 1), context.labels), 'float32'));
  }
  if (terms.length === 0)
    throw new Error('There is nothing to train on: no nominal loss and no regulariser.');
  return addN(terms) as Scalar;
}

function assertPerExample(regularizer: Regularizer, penalty: Tensor, batchSize: number): void {
  if (penalty.rank === 1 && penalty.shape[0] === batchSize) return;
  throw new Error(
    `The regulariser ${regularizer.name} returned a penalty of shape [${penalty.shape}]; it must be one number an example, [${batchSize}].`,
  );
}

function assertFinite(metrics: StepMetrics, { step, epoch }: StepInput): void {
  const broken = Object.keys(metrics).filter((name) => !Number.isFinite(metrics[name]));
  if (broken.length === 0) return;
  const culprit = broken.find((name) => name.startsWith('penalty of ')) ?? broken[0]!;
  throw new Error(
    `Training stopped at step ${step} (epoch ${epoch.toFixed(2)}): the ${culprit} is ${metrics[culprit]}. If the loss was finite before, the regulariser divides by zero somewhere; else lower the learning rate.`,
  );
}
