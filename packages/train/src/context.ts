import type {
  Batch,
  Classifier,
  ForwardPass,
  NominalPass,
  PerExampleLoss,
  RandomSource,
  RecordedStatistics,
  StatisticsUse,
  ThreatModel,
  TrainContext,
} from '@llr/core';
import { holdingConstants, inputGradient, withOuterGradient } from '@llr/engine';
import {
  dispose,
  keep,
  mean,
  type NamedTensorMap,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  type TensorContainer,
  tidy,
} from '@tensorflow/tfjs-core';
import { inStage } from './step-stage.ts';

/** What a `TrainContext` is made from. */
export interface ContextInput {
  classifier: Classifier;
  batch: Batch;
  threat: ThreatModel;
  /** Bound to the batch's examples. */
  random: RandomSource;
  step: Scalar;
  epoch: Scalar;
  loss: PerExampleLoss;
  /** Receives what regularisers report: the mean as a scalar, kept until the context is disposed of. */
  report?: (name: string, mean: Scalar) => void;
}

/**
 * The context of one training step. Parts of the nominal pass are computed when first asked for, even
 * from inside a nested gradient or a search, whose `withoutGradient` they are not subject to; they live until
 * `dispose()`.
 */
export function createTrainContext(input: ContextInput): TrainContext & { dispose(): void } {
  const { classifier, batch, loss } = input;
  const kept: Tensor[] = [];
  const hold = <T extends Tensor>(tensor: T): T => {
    kept.push(keep(tensor));
    return tensor;
  };
  // A network without batch statistics runs the same way whatever statistics a regulariser means.
  const fixed = classifier.statistics === 'running';
  // Regularisers get the loss itself, which some know by what it is.
  const nominalLoss: PerExampleLoss = (logits, labels) =>
    inStage({ stage: 'loss' }, () => loss(logits, labels));
  const inNetwork = <T>(fn: () => T): T => inStage({ stage: 'network', name: classifier.name }, fn);
  const forward = (images: Tensor4D, use: StatisticsUse): ForwardPass =>
    inNetwork(() => classifier.forward(images, fixed ? 'running' : use));
  return {
    ...batch,
    threat: input.threat,
    random: input.random,
    step: input.step,
    epoch: input.epoch,
    loss,
    forward,
    freeze: (statistics) => {
      const frozen = inNetwork(() => classifier.freeze(fixed ? 'running' : statistics));
      return (images) => inNetwork(() => frozen(images));
    },
    ...unperturbedPasses(classifier, batch, nominalLoss, forward, hold),
    report: (name, value) => input.report?.(name, hold(tidy((): Scalar => mean(value)))),
    dispose: () => dispose(kept),
  };
}

type Hold = <T extends Tensor>(tensor: T) => T;

/** Networks found not to tell which statistics are to be held constant. */
const unheld = new WeakSet<Classifier>();

/** What the parts of the nominal pass come from. */
interface Pass {
  logits: Tensor2D;
  loss: Tensor1D;
  recorded: RecordedStatistics | 'running';
}

function unperturbedPasses(
  classifier: Classifier,
  { images, labels }: Batch,
  loss: PerExampleLoss,
  forward: TrainContext['forward'],
  hold: Hold,
): Pick<TrainContext, 'nominal' | 'linearization'> {
  const fixed = classifier.statistics === 'running';
  /** Whichever pass at the batch's own statistics was made first. */
  let first: Pass | undefined;
  const passAt = (recorded: RecordedStatistics | undefined, made: Omit<Pass, 'recorded'>) => {
    if (!recorded && !fixed) return;
    first ??= { ...made, recorded: recorded ?? 'running' };
  };

  /** ℓ(x) and ∇ₓℓ(x) from one pass; with `'batch'`, the gradient goes through the statistics or not as `holding` says. */
  const gradientAt = (use: StatisticsUse, holding = false) => {
    let recorded: RecordedStatistics | undefined;
    const pass = () =>
      inputGradient((at: Tensor4D) => {
        const found = forward(at, use);
        recorded = found.recorded;
        const extra = { logits: found.logits, ...flattened(recorded) };
        return { value: loss(found.logits, labels), extra };
      }, images);
    const { result, held } = holding ? holdingConstants(pass) : { result: pass(), held: 0 };
    const found = {
      logits: hold(result.extra.logits!) as Tensor2D,
      loss: hold(result.value as Tensor1D),
      inputGradient: hold(result.gradient),
    };
    for (const part of Object.values(flattened(recorded))) hold(part);
    return { ...found, recorded, held };
  };

  const batchPass = (): Pass => {
    const { logits, recorded } = forward(images, 'batch');
    for (const part of Object.values(flattened(recorded))) hold(part);
    return {
      logits: hold(logits),
      loss: hold(loss(logits, labels)),
      recorded: recorded ?? 'running',
    };
  };
  const nominalPass = (): Pass => {
    first ??= shared(batchPass);
    return first;
  };

  const nominalGradient = once((): Tensor4D => {
    if (!first && !unheld.has(classifier)) {
      const found = gradientAt(fixed ? 'running' : 'batch', true);
      const isConstant = fixed || found.held >= Object.keys(found.recorded ?? {}).length;
      passAt(found.recorded, found);
      if (isConstant) return found.inputGradient;
      // A network that computes its statistics unmarked: its gradient went through them.
      unheld.add(classifier);
    }
    // Statistics as constants of x: given back as recorded ones, at the clone that inputGradient works on.
    return gradientAt(nominalPass().recorded).inputGradient;
  });
  const through = {
    running: once(() => gradientAt('running')),
    batch: once(() => {
      const found = gradientAt('batch');
      passAt(found.recorded, found);
      return found;
    }),
  };
  const nominal: NominalPass = {
    get logits() {
      return nominalPass().logits;
    },
    get loss() {
      return nominalPass().loss;
    },
    get inputGradient() {
      return nominalGradient();
    },
    get recorded() {
      return fixed ? 'running' : nominalPass().recorded;
    },
  };
  return { nominal, linearization: (use) => (fixed ? nominal : through[use]()) };
}

/** Recorded statistics as tensors by name. */
const flattened = (recorded: RecordedStatistics = {}): NamedTensorMap =>
  Object.fromEntries(
    Object.entries(recorded).flatMap(([layer, { mean, variance }]) => [
      [`${layer}/mean`, mean],
      [`${layer}/variance`, variance],
    ]),
  );

/** Computes what searches and penalties share: recorded for the parameters, whoever asks first. */
const shared = <T extends object>(make: () => T): T =>
  // Outside of any scope too, as an asynchronous search is, nothing is left but what the context holds.
  withOuterGradient(() => tidy(() => make() as TensorContainer) as T);

function once<T extends object>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: shared(make) };
    return made.value;
  };
}
