import { evaluate } from '@llr/attacks';
import { crossEntropy, type ImageSource, randomSource, type TrainableClassifier } from '@llr/core';
import { dispose } from '@tensorflow/tfjs-core';
import type { TrainProgress } from './callbacks.ts';
import type { Experiment } from './experiment.ts';
import { MeanMetrics } from './mean-metrics.ts';
import { optimizerOf } from './optimizers/optimizer-of.ts';
import type { MetricsLine } from './run-directory.ts';
import { type EpochSchedule, linearRamp } from './schedules.ts';
import { StepClock } from './step-clock.ts';
import { createStepper } from './stepper.ts';
import { threatModel } from './threat.ts';

const linesPerEpoch = 8;

/** What one training loop works on. */
export interface TrainingWork {
  experiment: Experiment;
  variant: string;
  model: TrainableClassifier;
  training: ImageSource;
  validation: ImageSource | undefined;
  record: (line: MetricsLine) => Promise<void>;
  onStep: (progress: TrainProgress) => void | Promise<void>;
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
  const clock = new StepClock();
  let step = 0;
  try {
    for (let pass = 0; pass < epochs; pass++) {
      for await (const batch of training.batches({ batchSize, epoch: pass, seed, augment })) {
        clock.gotBatch();
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
        clock.stepDone(batchSize);
        const place = { step, steps: epochs * stepsPerEpoch, epoch };
        await onStep({ ...place, metrics, ...scheduled, ...clock.speed });
        if (step % logEvery === 0) await record({ step, epoch, ...means.take() });
      }
      const { every = 1 } = experiment.train.validation ?? {};
      if (validation && ((pass + 1) % every === 0 || pass + 1 === epochs)) {
        stepper.read();
        await record({ step, epoch: pass + 1, ...(await validate(model, validation, experiment)) });
        clock.skip();
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
