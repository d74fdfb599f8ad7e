import { join } from 'node:path';
import type { Batch, ImageSource } from '@llr/core';
import { dispose } from '@tensorflow/tfjs-core';
import type { TrainCallback } from './callbacks.ts';
import { isBetter, saveBest } from './checkpoints/best-network.ts';
import { type Checkpoint, type CheckpointContent, restoreState } from './checkpoints/checkpoint.ts';
import { Checkpointer } from './checkpoints/checkpointer.ts';
import { writing } from './checkpoints/failed-write.ts';
import type { Experiment } from './experiment.ts';
import { experimentStepper } from './experiment-stepper.ts';
import { MeanMetrics } from './mean-metrics.ts';
import type { MetricsFile } from './metrics-file.ts';
import { anyone, rank0 } from './parallel/everyone.ts';
import { LastWords } from './parallel/last-words.ts';
import { RankLost, SharedFailure } from './parallel/shared-failure.ts';
import { assertSameState, shareState } from './parallel/shared-state.ts';
import { withinTime } from './parallel/within-time.ts';
import type { World } from './parallel/world.ts';
import { prefetch } from './prefetch.ts';
import { type MetricsLine, runFiles } from './run-directory.ts';
import type { Opened, RunSettings } from './run-settings.ts';
import type { RunSource } from './run-source.ts';
import { type EpochSchedule, linearRamp } from './schedules.ts';
import { StepClock } from './step-clock.ts';
import type { Stepper } from './stepper.ts';
import { TrainingStopped } from './training-stopped.ts';
import { validate } from './validate.ts';
import { version } from './version.ts';

const linesPerEpoch = 8;

/** What one training loop works on. */
export interface TrainingWork extends Opened {
  experiment: Experiment;
  variant: string;
  settings: RunSettings;
  /** The run's folder. */
  directory: string;
  /** On rank 0 alone, which writes. */
  metrics: MetricsFile | undefined;
  /** Where to go on from. */
  resumed: Checkpoint | undefined;
  engine: string;
  source: RunSource;
  told: Required<TrainCallback>;
  signal: AbortSignal | undefined;
  /** Processes that train together. */
  world: World;
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
  const { experiment, variant, model, world } = work;
  const stepper = experimentStepper(experiment, variant, model, world);
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
  #lastWords: LastWords | undefined;
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
    this.#lastWords = await LastWords.in(this.#work.world);
    this.#lastWords?.are(this.#checkpointer.kept);
    try {
      await this.#run(finish);
    } catch (error) {
      if (error instanceof RankLost) this.#sayWhatIsKept(error);
      throw error;
    } finally {
      this.#lastWords?.takeBack();
    }
  }

  /** What another rank says may say so already. */
  #sayWhatIsKept(error: RankLost): void {
    const { kept } = this.#checkpointer;
    if (!error.message.includes(kept))
      error.message = `${error.message.replace(/\.?$/, '.')} ${kept}`;
  }

  async #run(finish: (seconds: number) => Promise<void>): Promise<void> {
    const { resumed, directory, told, experiment, world } = this.#work;
    await rank0(world, async () => {
      if (resumed) await restoreState(resumed, this.#stepper.state);
    });
    await shareState(world, this.#stepper.state);
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
      rank0(world, () => this.#writing('The network', () => finish(this.#seconds))),
    );
  }

  /** The rest of an epoch. */
  async #trainFor(pass: number): Promise<void> {
    const { training, experiment, world } = this.#work;
    const { augment = false } = experiment.train;
    const done = this.#step - pass * this.#stepsPerEpoch;
    if (done === this.#stepsPerEpoch) return;
    const options = {
      batchSize: experiment.train.batchSize / world.size,
      rank: world.rank,
      world: world.size,
      epoch: pass,
      from: done,
      seed: experiment.seed ?? 0,
      augment,
    };
    this.#clock.skip();
    for await (const batch of withinTime(world, prefetch(training.batches(options)))) {
      this.#clock.gotBatch();
      try {
        await this.#stepOn(batch);
      } finally {
        dispose([batch.images, batch.labels]);
      }
      const isEnd = this.#step === (pass + 1) * this.#stepsPerEpoch;
      if (isEnd || (await this.#isDue())) await this.#checkpoint();
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
    this.#clock.stepDone(batch.indices.length * this.#work.world.size);
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
      if (error instanceof RankLost) throw error;
      throw new Error(
        `${(error as Error).message} The learning rate was ${learningRate}. ${this.#checkpointer.kept}`,
        { cause: error },
      );
    }
  }

  /** Validates where it is time to; the network is its averages then, where there are some. */
  async #validateAfter(pass: number): Promise<void> {
    const { validation, experiment } = this.#work;
    const { epochs, validation: { every = 1 } = {} } = experiment.train;
    if (!validation || ((pass + 1) % every !== 0 && pass + 1 !== epochs)) return;
    const found = await this.#stepper.withAverages(() => this.#validate(validation, pass + 1));
    if (!found) await this.#stopIfAsked();
    this.#clock.skip();
  }

  /** @returns whether it went through: a signal may have stopped it */
  async #validate(validation: ImageSource, epoch: number): Promise<boolean> {
    const { model, experiment, directory, told, signal, world } = this.#work;
    const found = await validate({ model, data: validation, experiment, signal, world });
    if (!found) return false;
    const line = await this.#record(found, epoch);
    if (!isBetter(line, this.#best)) return true;
    const folder = join(directory, runFiles.best);
    await rank0(world, () =>
      this.#writing('The best network', () => saveBest(model, folder, line)),
    );
    this.#best = line;
    await told.onCheckpoint(folder, 'best');
    return true;
  }

  async #record(numbers: Readonly<Record<string, number>>, epoch = this.#epoch) {
    const line = { step: this.#step, epoch, ...numbers };
    const { metrics } = this.#work;
    if (metrics) await this.#writing('The curve', () => metrics.append(line));
    await this.#work.told.onMetrics(line);
    return line;
  }

  #writing(what: string, write: () => Promise<void>): Promise<void> {
    return writing(what, this.#checkpointer.kept, write);
  }

  /** Whether a checkpoint is due by rank 0's clock. */
  #isDue(): Promise<boolean> {
    const { world } = this.#work;
    return anyone(world, world.rank === 0 && this.#checkpointer.isDue(this.#step));
  }

  async #checkpoint(): Promise<void> {
    if (this.#checkpointer.has(this.#step)) return;
    const { state } = this.#stepper;
    const { world } = this.#work;
    this.#stepper.read();
    await this.#assertSameState();
    const folder = await rank0(world, async () =>
      this.#checkpointer.write(await this.#content(), state),
    );
    this.#checkpointer.written(this.#step);
    this.#lastWords?.are(this.#checkpointer.kept);
    await this.#work.told.onCheckpoint(folder, 'step');
    this.#clock.skip();
  }

  async #assertSameState(): Promise<void> {
    try {
      await assertSameState(this.#work.world, this.#stepper.state);
    } catch (error) {
      if (!(error instanceof SharedFailure)) throw error;
      throw new SharedFailure(
        `After step ${this.#step} training can't be gone on with. ${error.message} ${this.#checkpointer.kept}`,
      );
    }
  }

  async #stopIfAsked(): Promise<void> {
    if (!(await anyone(this.#work.world, this.#work.signal?.aborted === true))) return;
    if (this.#step > 0) await this.#checkpoint();
    throw new TrainingStopped(this.#step, this.#steps, this.#checkpointer.last);
  }

  async #content(): Promise<CheckpointContent> {
    const { settings, metrics, engine, source, resumed, world } = this.#work;
    return {
      step: this.#step,
      settings,
      means: this.#means.state,
      metrics: await metrics!.flushed(),
      best: this.#best,
      engine,
      ...(world.size > 1 && { processes: world.size }),
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

const asSchedule = (rate: number | EpochSchedule): EpochSchedule =>
  typeof rate === 'number' ? () => rate : rate;
