import { join } from 'node:path';
import type { CheckpointOptions } from '../experiment.ts';
import type { NamedVariable } from '../named-variable.ts';
import { runFiles } from '../run-directory.ts';
import { type CheckpointContent, writeCheckpoint } from './checkpoint.ts';
import { checkpointFolder, rotateCheckpoints } from './checkpoint-folders.ts';
import { writing } from './failed-write.ts';

const quarterOfAnHour = 15 * 60_000;

/** Writes a run's checkpoints when they are due, and keeps the last few. */
export class Checkpointer {
  readonly #directory: string;
  readonly #options: CheckpointOptions;
  /** The last step whose state is on disk. */
  #step: number;
  #moment = performance.now();

  /**
   * @param directory - the run's
   * @param step - that of the checkpoint which training goes on from, or 0
   * @throws RangeError for an interval or a number of checkpoints that isn't a whole number from 1
   */
  constructor(directory: string, options: CheckpointOptions = {}, step = 0) {
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue;
      throw new RangeError(`checkpoints.${name} must be a whole number from 1; got ${value}.`);
    }
    this.#directory = directory;
    this.#options = options;
    this.#step = step;
  }

  isDue(step: number): boolean {
    const { every } = this.#options;
    return every === undefined
      ? performance.now() - this.#moment >= quarterOfAnHour
      : step % every === 0;
  }

  /** Whether the state after this step is on disk. */
  has(step: number): boolean {
    return step > 0 && step === this.#step;
  }

  /** The folder of the last checkpoint. */
  get last(): string | undefined {
    return this.#step > 0 ? this.#folder(this.#step) : undefined;
  }

  /** What is left to go on from: a sentence for an error. */
  get kept(): string {
    return this.last
      ? `The last good checkpoint, after step ${this.#step}, is kept: ${this.last}.`
      : 'There is no checkpoint yet.';
  }

  /**
   * @returns the folder
   * @throws saying why it could not be written, and what is kept
   */
  async write(content: CheckpointContent, state: readonly NamedVariable[]): Promise<string> {
    const { step } = content;
    const folder = this.#folder(step);
    await writing(`The checkpoint after step ${step}`, this.kept, () =>
      writeCheckpoint(folder, content, state),
    );
    this.written(step);
    await rotateCheckpoints(join(this.#directory, runFiles.checkpoints), this.#options.keep ?? 3);
    return folder;
  }

  /** The state after this step is on disk; another process may have written it. */
  written(step: number): void {
    this.#step = step;
    this.#moment = performance.now();
  }

  #folder(step: number): string {
    return checkpointFolder(join(this.#directory, runFiles.checkpoints), step);
  }
}
