import {
  type RandomSource,
  type RecordedStatistics,
  type Regularizer,
  type TrainContext,
  unreadableIndices,
} from '@llr/core';
import { withoutGradient } from '@llr/engine';
import {
  addN,
  argMax,
  cast,
  dispose,
  equal,
  mean,
  mul,
  type NamedTensorMap,
  type Scalar,
  Tensor,
  type Tensor1D,
  type Tensor4D,
  type TensorContainer,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import { createTrainContext } from './context.ts';
import { type GradientAccumulator, gradientAccumulator } from './gradient-accumulator.ts';
import { nominalWeightOf } from './nominal-weight.ts';
import { alone } from './parallel/world.ts';
import { mergeStatistics, type StatisticsPart } from './running-statistics.ts';
import { inStage } from './step-stage.ts';
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
  /** What was searched for before; the other searches are part of the pass. */
  searched?: SearchedByPlace;
}

/** What a regulariser's search found, and the means of what it reported on the way. */
export type Searched = { found: NamedTensorMap; reported: NamedTensorMap };

/** By the regulariser's place among them. */
export type SearchedByPlace = Readonly<Record<string, Searched>>;

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
  /** The search of the regulariser at a place, on its own. */
  search(place: number, tensors: PassTensors, indices: Int32Array): Searched;
  /** The unperturbed images through the network: the mean of their loss. */
  nominal(tensors: PassTensors): Scalar;
  /** The optimiser and the averages alone, with the parameters for gradients: as much work as with those. */
  update(tensors: UpdateTensors): Scalar;
  /** A whole step of one batch. */
  step(tensors: PassTensors & UpdateTensors, indices: Int32Array): NamedTensorMap;
  /** Where batches are split or shared out: a step is one `accumulate` for each micro-batch, then `apply`. */
  accumulation?: Accumulation;
}

/** Between `accumulate` and `apply` the sums may be read and replaced, and statistics of other processes be added. */
export interface Accumulation {
  /** Adds a micro-batch's gradients, times its share of the batch, to the sums. */
  accumulate(tensors: PassTensors, weight: Scalar, indices: Int32Array): Accumulated;
  /** The sums of all parameters, one after the other. */
  sums(): Tensor1D;
  /** Puts others in their place. */
  replace(sums: Tensor1D): void;
  /** Moves the parameters by the sums, which are 0 then, and the running statistics by those of the parts, merged. */
  apply(update: UpdateTensors, statistics: readonly StatisticsPart[]): void;
  /** Forgets the sums. */
  clear(): void;
}

/** Where a setup that splits batches, or shares them out, sums up gradients. */
export const accumulatorOf = ({
  microBatchSize,
  world = alone,
  classifier,
}: StepSetup): GradientAccumulator | undefined =>
  microBatchSize === undefined && world.size === 1
    ? undefined
    : gradientAccumulator(classifier.parameters);

/** The functions of a step, which assign to the variables of the network, the optimiser, the averages and the sums. */
export const stepFunctions = (
  setup: StepSetup,
  accumulator: GradientAccumulator | undefined,
): StepFunctions => ({
  search: (place, tensors, indices) => searchOn(setup, place, tensors, indices),
  nominal: (tensors) =>
    inPass(setup, tensors, unreadableIndices(tensors.labels.shape[0]), (context) =>
      mean(context.nominal.loss),
    ),
  update: (tensors) =>
    tidy(() => {
      const parameters = setup.classifier.parameters.map(({ variable }) => variable);
      const gradients = Object.fromEntries(parameters.map((each) => [each.name, each]));
      update(setup, gradients, undefined, tensors);
      return mean(parameters.at(-1)!);
    }),
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
  sums: () => accumulator.flat(),
  replace: (sums) => accumulator.replace(sums),
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
  inStage({ stage: 'optimizer' }, () => optimizer.apply(gradients, learningRate));
  if (recorded) classifier.updateRunning(recorded);
  averages?.update(step);
}

/** The gradients of the objective, a mean over the batch, what was measured on the way, and the nominal pass's statistics. */
function gradientsOn(
  setup: StepSetup,
  tensors: PassTensors,
  indices: Int32Array,
): Accumulated & { gradients: NamedTensorMap } {
  const { classifier, regularizers } = setup;
  const { labels, searched = {} } = tensors;
  const parameters = classifier.parameters.map(({ variable }) => variable);
  return inPass(setup, tensors, indices, (context, reported) => {
    const { value, grads } = variableGrads(() => {
      const penalties = regularizers.map((regularizer, place) => {
        const found = foundBy(regularizer, place, context, searched[place]);
        const penalty = inStage({ stage: 'penalty', name: regularizer.name, place }, () =>
          regularizer.penalty(context, found),
        );
        assertPerExample(regularizer, penalty, labels.shape[0]);
        context.report(`penalty of ${regularizer.name}`, penalty);
        return penalty;
      });
      return objectiveOf(context, penalties, nominalWeightOf(regularizers));
    }, parameters);
    // Before the parameters move, in case nobody has asked for the nominal pass yet.
    const recorded = copied(context.nominal.recorded);
    return { gradients: grads, measured: { objective: value, ...reported() }, recorded };
  });
}

/** What a regulariser found before, or finds now. */
function foundBy(
  regularizer: Regularizer,
  place: number,
  context: TrainContext,
  before: Searched | undefined,
): NamedTensorMap {
  if (!before) return withoutGradient(() => tidy(() => searchBy(regularizer, place, context)));
  for (const [name, value] of Object.entries(before.reported)) context.report(name, value);
  return before.found;
}

function searchBy(regularizer: Regularizer, place: number, context: TrainContext): NamedTensorMap {
  const { name } = regularizer;
  assertSynchronous([regularizer]);
  const found = inStage({ stage: 'search', name, place }, () => regularizer.search?.(context));
  return assertTensors(regularizer, found ?? {});
}

const searchOn = (
  setup: StepSetup,
  place: number,
  tensors: PassTensors,
  indices: Int32Array,
): Searched =>
  inPass(setup, tensors, indices, (context, reported) => {
    const found = searchBy(setup.regularizers[place]!, place, context);
    // Clones: it may have found what is the context's.
    return { found: clonesOf(found), reported: reported() };
  });

/**
 * The asynchronous search of the regulariser at a place, eagerly. The tensors that it is given are not to be disposed
 * of before it settles; the caller owns what it found.
 */
export async function searchAsyncOn(
  setup: StepSetup,
  place: number,
  tensors: PassTensors,
  indices: Int32Array,
): Promise<Searched> {
  const regularizer = setup.regularizers[place]!;
  const { context, reported, release } = openPass(setup, tensors, indices);
  try {
    const found = assertTensors(regularizer, (await regularizer.searchAsync!(context)) ?? {});
    const searched = { found: clonesOf(found), reported: clonesOf(reported()) };
    const given: Tensor[] = Object.values(tensors).filter((value) => value instanceof Tensor);
    dispose(Object.values(found).filter((tensor) => !given.includes(tensor)));
    return searched;
  } finally {
    release();
  }
}

interface OpenPass {
  context: TrainContext;
  /** The means of what was reported up to now, valid until the pass is released. */
  reported(): NamedTensorMap;
  release(): void;
}

function openPass(
  { classifier, loss, norm = 'linf' }: StepSetup,
  { images, labels, random, step, epoch, radius }: PassTensors,
  indices: Int32Array,
): OpenPass {
  const means: Record<string, Scalar> = {};
  const context = createTrainContext({
    classifier,
    batch: { images, labels, indices },
    threat: ballOf(norm, radius),
    random,
    step,
    epoch,
    loss,
    report: (name, value) => {
      means[name] = value;
    },
  });
  return { context, reported: () => means, release: () => context.dispose() };
}

/** Runs what needs a context; what it reported goes out as tensors of the scope's. */
const inPass = <T extends object>(
  setup: StepSetup,
  tensors: PassTensors,
  indices: Int32Array,
  fn: (context: TrainContext, reported: () => NamedTensorMap) => T,
): T =>
  tidy(() => {
    const { context, reported, release } = openPass(setup, tensors, indices);
    try {
      return fn(context, () => clonesOf(reported())) as TensorContainer;
    } finally {
      release();
    }
  }) as T;

const clonesOf = (tensors: NamedTensorMap): NamedTensorMap =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.clone()]));

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
  context: TrainContext,
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

/** @throws when one of the regularisers searches asynchronously, which a step that doesn't wait can't */
export function assertSynchronous(regularizers: readonly Regularizer[]): void {
  const waiting = regularizers.find(({ searchAsync }) => searchAsync !== undefined);
  if (!waiting) return;
  throw new Error(
    `The regulariser ${waiting.name} searches asynchronously (searchAsync): step by stepAsync() of a stepper.`,
  );
}

function assertTensors(regularizer: Regularizer, found: NamedTensorMap): NamedTensorMap {
  for (const [name, value] of Object.entries(found)) {
    if (value instanceof Tensor) continue;
    throw new Error(
      `The search of the regulariser ${regularizer.name} found ${name}, which is not a tensor. It must return tensors by name.`,
    );
  }
  return found;
}

function assertPerExample(regularizer: Regularizer, penalty: Tensor, batchSize: number): void {
  if (penalty.rank === 1 && penalty.shape[0] === batchSize) return;
  throw new Error(
    `The regulariser ${regularizer.name} returned a penalty of shape [${penalty.shape}]; it must be one number an example, [${batchSize}].`,
  );
}
