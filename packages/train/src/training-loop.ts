import { evaluate } from '@llr/attacks';
import { crossEntropy, type ImageSource, randomSource, type TrainableClassifier } from '@llr/core';
import { dispose } from '@tensorflow/tfjs-core';
import type { Experiment, TrainOptions } from './experiment.ts';
import { MeanMetrics } from './mean-metrics.ts';
import { adam } from './optimizers/adam.ts';
import { sgd } from './optimizers/sgd.ts';
import type { MetricsLine } from './run-directory.ts';
import { type EpochSchedule, linearRamp } from './schedules.ts';
import { createStepper } from './stepper.ts';
import { threatModel } from './threat.ts';
import type { StepMetrics } from './train-step.ts';

const linesPerEpoch = 8;

/** Where training has got to. */
export interface TrainProgress {
  step: number;
  steps: number;
  /** Epochs done, with fractions. */
  epoch: number;
  metrics: StepMetrics;
}

/** What one training loop works on. */
export interface TrainingWork {
  experiment: Experiment;
  variant: string;
  model: TrainableClassifier;
  training: ImageSource;
  validation: ImageSource | undefined;
  record: (line: MetricsLine) => Promise<void>;
  onStep: ((progress: TrainProgress) => void) | undefined;
}

/** The loop: epochs of shuffled batches, one step each, curves recorded a few times an epoch. */
export async function trainingLoop(work: TrainingWork): Promise<void> {
  const { experiment, model, training, validation, record, onStep } = work;
  const { epochs, batchSize, augment = false } = experiment.train;
  const seed = experiment.seed ?? 0;
  const epsilonAt = linearRamp(experiment.threat.epsilon, experiment.train.epsilonRamp ?? 0);
  const learningRateAt = asSchedule(experiment.train.learningRate);
  const stepsPerEpoch = Math.floor(training.size / batchSize);
  const logEvery = Math.max(1, Math.round(stepsPerEpoch / linesPerEpoch));
  const optimizer = optimizerOf(experiment.train)(model.parameters);
  const stepper = createStepper({
    classifier: model,
    regularizers: experiment.variants[work.variant]?.regularizers ?? [],
    optimizer,
    loss: experiment.loss ?? crossEntropy,
    random: randomSource(seed).fork('train'),
    norm: experiment.threat.norm,
  });
  const means = new MeanMetrics();
  let step = 0;
  try {
    for (let pass = 0; pass < epochs; pass++) {
      for await (const batch of training.batches({ batchSize, epoch: pass, seed, augment })) {
        const at = step / stepsPerEpoch;
        const scheduled = {
          epsilon: epsilonAt(at, epochs),
          learningRate: learningRateAt(at, epochs),
        };
        const metrics = stepper.step({ batch, step, epoch: at, ...scheduled });
        dispose([batch.images, batch.labels]);
        step += 1;
        means.add({ ...metrics, ...scheduled });
        const epoch = step / stepsPerEpoch;
        onStep?.({ step, steps: epochs * stepsPerEpoch, epoch, metrics });
        if (step % logEvery === 0) await record({ step, epoch, ...means.take() });
      }
      if (validation) {
        stepper.read();
        await record({ step, epoch: pass + 1, ...(await validate(model, validation, experiment)) });
      }
    }
  } finally {
    stepper.dispose();
    optimizer.dispose();
  }
}

/** Clean and robust accuracy on held-out images, 0 to 1. */
async function validate(model: TrainableClassifier, data: ImageSource, experiment: Experiment) {
  const threat = threatModel(experiment.threat);
  const attacks = [experiment.train.validation!.attack];
  const seed = experiment.seed ?? 0;
  const { clean, robust } = await evaluate({
    classifier: model,
    data,
    attacks,
    threat,
    seed,
    selfChecks: false,
  });
  dispose(threat.radius);
  return { 'validation accuracy': clean.value, 'validation robust accuracy': robust.value };
}

const asSchedule = (rate: number | EpochSchedule): EpochSchedule =>
  typeof rate === 'number' ? () => rate : rate;

function optimizerOf({ optimizer = 'sgd', weightDecay = 0 }: TrainOptions) {
  return optimizer === 'sgd' ? sgd({ weightDecay }) : adam({ weightDecay });
}
