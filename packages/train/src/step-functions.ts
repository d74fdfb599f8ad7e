import type { RandomSource, RecordedStatistics, Regularizer } from '@llr/core';
import { withoutGradient } from '@llr/engine';
import {
  addN,
  argMax,
  cast,
  equal,
  keep,
  mean,
  mul,
  type NamedTensorMap,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { createTrainContext } from './context.ts';
import { type GradientAccumulator, gradientAccumulator } from './gradient-accumulator.ts';
import { nominalWeightOf } from './nominal-weight.ts';
import { mergeStatistics, type StatisticsPart } from './running-statistics.ts';
import { ballOf } from './threat.ts';
import type { StepSetup } from './train-step.ts';

/** What a pass over images takes: nothing but tensors, and the random source that they come from. */
export interface PassTensors {
  images: Tensor4D;
  labels: Tensor1D;
  /** Bound to the step and to the batch's examples. */
  random: RandomSource;
  step: Scalar;
  epoch: Scalar;
  /** ε, `[1]`. */
  radius: Tensor1D;
}

/** What moving the parameters takes. */
export interface UpdateTensors {
  step: Scalar;
  learningRate: Scalar;
}

/** What a micro-batch measured (means over it), and the batch statistics it used, if the network has any. */
type Accumulated = {
  measured: NamedTensorMap;
  recorded: RecordedStatistics | undefined;
};

/** What a step is made of: functions of tensors, which can be compiled, and of the examples' numbers where they aren't. */
export interface StepFunctions {
  /** A whole step of one batch. */
  step(tensors: PassTensors & UpdateTensors, indices: Int32Array): NamedTensorMap;
  /** Where batches are split: a step is one `accumulate` for each micro-batch, then `apply`. */
  accumulation?: Accumulation;
}

/** Between `accumulate` and `apply` the sums may be read and replaced, and statistics of other processes be added. */
export interface Accumulation {
  /** Adds a micro-batch's gradients, times its share of the batch, to the sums. */
  accumulate(tensors: PassTensors, weight: Scalar, indices: Int32Array): Accumulated;
  /** Moves the parameters by the sums, which are 0 then, and the running statistics by those of the parts, merged. */
  apply(update: UpdateTensors, statistics: readonly StatisticsPart[]): void;
  /** Forgets the sums. */
  clear(): void;
}

/** Where a setup that splits batches sums up gradients. */
export const accumulatorOf = ({
  microBatchSize,
  classifier,
}: StepSetup): GradientAccumulator | undefined =>
  microBatchSize === undefined ? undefined : gradientAccumulator(classifier.parameters);

/** The functions of a step, which assign to the variables of the network, the optimiser, the averages and the sums. */
export const stepFunctions = (
  setup: StepSetup,
  accumulator: GradientAccumulator | undefined,
): StepFunctions => ({
  step: (tensors, indices) =>
    tidy(() => {
      const { gradients, measured, recorded } = gradientsOn(setup, tensors, indices);
      update(setup, gradients, recorded, tensors);
      return measured;
    }),
  ...(accumulator && { accumulation: accumulationInto(setup, accumulator) }),
});

const accumulationInto = (setup: StepSetup, accumulator: GradientAccumulator): Accumulation => ({
  accumulate: (tensors, weight, indices) =>
    tidy(() => {
      const { gradients, measured, recorded } = gradientsOn(setup, tensors, indices);
      accumulator.add(gradients, weight);
      return { measured, recorded };
    }),
  apply: (tensors, statistics) =>
    tidy(() => {
      const recorded = statistics.length > 0 ? mergeStatistics(statistics) : undefined;
      update(setup, accumulator.sums(), recorded, tensors);
      accumulator.clear();
    }),
  clear: () => accumulator.clear(),
});

function update(
  { classifier, optimizer, averages }: StepSetup,
  gradients: NamedTensorMap,
  recorded: RecordedStatistics | undefined,
  { step, learningRate }: UpdateTensors,
): void {
  optimizer.apply(gradients, learningRate);
  if (recorded) classifier.updateRunning(recorded);
  averages?.update(step);
}

/** The gradients of the objective, a mean over the batch, what was measured on the way, and the nominal pass's statistics. */
function gradientsOn(
  { classifier, regularizers, loss, norm = 'linf' }: StepSetup,
  { images, labels, random, step, epoch, radius }: PassTensors,
  indices: Int32Array,
): Accumulated & { gradients: NamedTensorMap } {
  const reported: Record<string, Scalar> = {};
  const context = createTrainContext({
    classifier,
    batch: { images, labels, indices },
    threat: ballOf(norm, radius),
    random,
    step,
    epoch,
    loss,
    report: (name, value) => {
      reported[name] = keep(value.clone());
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
  const recorded = copied(context.nominal.recorded);
  context.dispose();
  for (const scalarOf of Object.values(reported)) scalarOf.kept = false;
  return { gradients: grads, measured: { objective: value, ...reported }, recorded };
}

/** Statistics that outlive their context. */
const copied = (recorded: RecordedStatistics | 'running'): RecordedStatistics | undefined =>
  recorded === 'running'
    ? undefined
    : Object.fromEntries(
        Object.entries(recorded).map(([layer, { mean, variance }]) => [
          layer,
          { mean: mean.clone(), variance: variance.clone() },
        ]),
      );

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
