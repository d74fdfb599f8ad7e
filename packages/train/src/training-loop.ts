import { join } from 'node:path';
import { evaluate } from '@llr/attacks';
import type { Batch, ImageSource, TrainableClassifier } from '@llr/core';
import { dispose } from '@tensorflow/tfjs-core';
import type { TrainCallback } from './callbacks.ts';
import { isBetter, robustAccuracy, saveBest } from './checkpoints/best-network.ts';
import { type Checkpoint, type CheckpointContent, restoreState } from './checkpoints/checkpoint.ts';
import { Checkpointer } from './checkpoints/checkpointer.ts';
import { writing } from './checkpoints/failed-write.ts';
import type { Experiment } from './experiment.ts';
import { experimentStepper } from './experiment-stepper.ts';
import { MeanMetrics } from './mean-metrics.ts';
import type { MetricsFile } from './metrics-file.ts';
import { prefetch } from './prefetch.ts';
import { type MetricsLine, runFiles } from './run-directory.ts';
import type { Opened, RunSettings } from './run-settings.ts';
import type { RunSource } from './run-source.ts';
import { type EpochSchedule, linearRamp } from './schedules.ts';
import { StepClock } from './step-clock.ts';
import type { Stepper } from './stepper.ts';
import { threatModel } from './threat.ts';
import { TrainingStopped } from './training-stopped.ts';
import { version } from './version.ts';

const linesPerEpoch = 8;

/** What one training loop works on. */
export interface TrainingWork extends Opened {
  experiment: Experiment;
  variant: string;
  settings: RunSettings;
  /** The run's folder. */
  directory: string;
  metrics: MetricsFile;
  /** Where to go on from. */
  resumed: Checkpoint | undefined;
  engine: string;
  source: RunSource;
  told: Required<TrainCallback>;
  signal: AbortSignal | undefined;
}

/**
 * The loop: epochs of shuffled batches, one step each, curves recorded a few times an epoch, a validation after each.
 *
 * @param finish - saves the network, which is its averages then, where there are some; told the wall time in seconds
 * @throws TrainingStopped when the signal asked for it
 */
export async function trainingLoop(
  work: TrainingWork,
  finish: (seconds: number) => Promise<void>,
): Promise<void> {
  const stepper = experimentStepper(work.experiment, work.variant, work.model);
  try {
    await new TrainingLoop(work, stepper).run(finish);
  } finally {
    stepper.dispose();
  }
}

class TrainingLoop {
  readonly #work: TrainingWork;
  readonly #stepper: Stepper;
  readonly #checkpointer: Checkpointer;
  readonly #clock = new StepClock();
  readonly #means: MeanMetrics;
  readonly #stepsPerEpoch: number;
  /** Steps done. */
  #step: number;
  #best: MetricsLine | null;
  readonly #began: number;

  constructor(work: TrainingWork, stepper: Stepper) {
    const { step = 0, means = [], best = null, seconds = 0 } = work.resumed?.content ?? {};
    this.#work = work;
    this.#stepper = stepper;
    this.#checkpointer = new Checkpointer(work.directory, work.experiment.train.checkpoints, step);
    this.#means = new MeanMetrics(means);
    this.#stepsPerEpoch = Math.floor(work.training.size / work.experiment.train.batchSize);
    this.#step = step;
    this.#best = best;
    this.#began = performance.now() - seconds * 1000;
  }

  async run(finish: (seconds: number) => Promise<void>): Promise<void> {
    const { resumed, directory, told, experiment } = this.#work;
    if (resumed) await restoreState(resumed, this.#stepper.state);
    this.#stepper.write();
    await told.onStart({ directory, step: this.#step, steps: this.#steps });
    // A checkpoint after an epoch's last step is from before its validation.
    const firstPass = Math.max(0, Math.ceil(this.#step / this.#stepsPerEpoch) - 1);
    for (let pass = firstPass; pass < experiment.train.epochs; pass++) {
      await this.#stopIfAsked();
      await this.#trainFor(pass);
      await this.#validateAfter(pass);
    }
    await this.#stepper.withAverages(() =>
      this.#writing('The network', () => finish(this.#seconds)),
    );
  }

  /** The rest of an epoch. */
  async #trainFor(pass: number): Promise<void> {
    const { training, experiment } = this.#work;
    const { batchSize, augment = false } = experiment.train;
    const done = this.#step - pass * this.#stepsPerEpoch;
    if (done === this.#stepsPerEpoch) return;
    const options = { batchSize, epoch: pass, from: done, seed: experiment.seed ?? 0, augment };
    this.#clock.skip();
    for await (const batch of prefetch(training.batches(options))) {
      this.#clock.gotBatch();
      try {
        await this.#stepOn(batch);
      } finally {
        dispose([batch.images, batch.labels]);
      }
      const isEnd = this.#step === (pass + 1) * this.#stepsPerEpoch;
      if (isEnd || this.#checkpointer.isDue(this.#step)) await this.#checkpoint();
      await this.#stopIfAsked();
      this.#clock.waitForBatch();
    }
  }

  async #stepOn(batch: Batch): Promise<void> {
    const { told } = this.#work;
    const epochBefore = this.#step / this.#stepsPerEpoch;
    const scheduled = this.#scheduledAt(epochBefore);
    const metrics = await this.#tried(scheduled.learningRate, () =>
      this.#stepper.stepAsync({ batch, step: this.#step, epoch: epochBefore, ...scheduled }),
    );
    this.#step += 1;
    this.#means.add({ ...metrics, ...scheduled });
    this.#clock.stepDone(batch.indices.length);
    const place = { step: this.#step, steps: this.#steps, epoch: this.#epoch };
    await told.onStep({ ...place, metrics, ...scheduled, ...this.#clock.speed });
    const linesEvery = Math.max(1, Math.round(this.#stepsPerEpoch / linesPerEpoch));
    if (this.#step % linesEvery === 0) await this.#record(this.#means.take());
  }

  /** What a step that fails should say beside why it did. */
  async #tried<T>(learningRate: number, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      throw new Error(
        `${(error as Error).message} The learning rate was ${learningRate}. ${this.#checkpointer.kept}`,
        { cause: error },
      );
    }
  }

  /** Validates where it is time to; the network is its averages then, where there are some. */
  async #validateAfter(pass: number): Promise<void> {
    const { validation, experiment, signal } = this.#work;
    const { epochs, validation: { every = 1 } = {} } = experiment.train;
    if (!validation || ((pass + 1) % every !== 0 && pass + 1 !== epochs)) return;
    try {
      await this.#stepper.withAverages(() => this.#validate(validation, pass + 1));
    } catch (error) {
      if (signal?.aborted) await this.#stopIfAsked();
      throw error;
    }
    this.#clock.skip();
  }

  async #validate(validation: ImageSource, epoch: number): Promise<void> {
    const { model, experiment, directory, told, signal } = this.#work;
    const found = await validate(model, validation, experiment, signal);
    const line = await this.#record(found, epoch);
    if (!isBetter(line, this.#best)) return;
    const folder = join(directory, runFiles.best);
    await this.#writing('The best network', () => saveBest(model, folder, line));
    this.#best = line;
    await told.onCheckpoint(folder, 'best');
  }

  async #record(numbers: Readonly<Record<string, number>>, epoch = this.#epoch) {
    const line = { step: this.#step, epoch, ...numbers };
    await this.#writing('The curve', () => this.#work.metrics.append(line));
    await this.#work.told.onMetrics(line);
    return line;
  }

  #writing(what: string, write: () => Promise<void>): Promise<void> {
    return writing(what, this.#checkpointer.kept, write);
  }

  async #checkpoint(): Promise<void> {
    if (this.#checkpointer.has(this.#step)) return;
    this.#stepper.read();
    const folder = await this.#checkpointer.write(await this.#content(), this.#stepper.state);
    await this.#work.told.onCheckpoint(folder, 'step');
    this.#clock.skip();
  }

  async #stopIfAsked(): Promise<void> {
    if (!this.#work.signal?.aborted) return;
    if (this.#step > 0) await this.#checkpoint();
    throw new TrainingStopped(this.#step, this.#steps, this.#checkpointer.last);
  }

  async #content(): Promise<CheckpointContent> {
    const { settings, metrics, engine, source, resumed } = this.#work;
    return {
      step: this.#step,
      settings,
      means: this.#means.state,
      metrics: await metrics.flushed(),
      best: this.#best,
      engine,
      source: resumed?.content.source ?? source,
      llr: version,
      node: process.version,
      seconds: this.#seconds,
    };
  }

  #scheduledAt(epoch: number) {
    const { threat, train } = this.#work.experiment;
    return {
      epsilon: linearRamp(threat.epsilon, train.epsilonRamp ?? 0)(epoch, train.epochs),
      learningRate: asSchedule(train.learningRate)(epoch, train.epochs),
    };
  }

  get #steps(): number {
    return this.#work.experiment.train.epochs * this.#stepsPerEpoch;
  }

  get #epoch(): number {
    return this.#step / this.#stepsPerEpoch;
  }

  get #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }
}

/** Clean and robust accuracy on held-out images, 0 to 1. */
async function validate(
  model: TrainableClassifier,
  data: ImageSource,
  experiment: Experiment,
  signal: AbortSignal | undefined,
) {
  const threat = threatModel(experiment.threat);
  const attacks = [experiment.train.validation!.attack];
  const seed = experiment.seed ?? 0;
  try {
    const { clean, robust } = await evaluate({
      classifier: model,
      data,
      attacks,
      threat,
      seed,
      selfChecks: false,
      ...(signal && { signal }),
    });
    return { 'validation accuracy': clean.value, [robustAccuracy]: robust.value };
  } finally {
    dispose(threat.radius);
  }
}

const asSchedule = (rate: number | EpochSchedule): EpochSchedule =>
  typeof rate === 'number' ? () => rate : rate;
