import { join } from 'node:path';
import type { Checkpoint } from './checkpoints/checkpoint.ts';
import {
  checkpointSteps,
  newestCheckpoint,
  tidyCheckpoints,
} from './checkpoints/checkpoint-folders.ts';
import { MetricsFile } from './metrics-file.ts';
import { clearRun, isFinished, readRun, removeUnfinished, runFiles } from './run-directory.ts';
import { type RunSettings, settingsDifferences } from './run-settings.ts';

/** A run's folder, ready for the next step. */
export interface BegunRun {
  metrics: MetricsFile;
  /** Where to go on from, unless it begins. */
  resumed: Checkpoint | undefined;
}

/**
 * Begins a run in a folder, or goes on with the one that is there, as `TrainRunOptions.resume` says.
 *
 * @throws when there is an unfinished run that must not be lost, or one that can't be gone on with; the folder stays as
 *   it was then
 */
export async function beginRun(
  directory: string,
  settings: RunSettings,
  engine: string,
  processes: number,
  resume: boolean | undefined,
): Promise<BegunRun | { finished: true }> {
  const checkpoints = join(directory, runFiles.checkpoints);
  const finished = await isFinished(directory);
  if (resume && finished) {
    const { run } = await readRun(directory);
    if (run.settings) assertSameSettings(directory, run.settings, settings);
    return { finished };
  }
  const resumed = resume ? await newestCheckpoint(checkpoints, console.warn) : undefined;
  if (resumed)
    return { metrics: await goOn(directory, resumed, settings, { engine, processes }), resumed };
  if (resume === undefined && !finished) await assertNothingToLose(directory, checkpoints);
  await clearRun(directory);
  const metrics = MetricsFile.create(join(directory, runFiles.metrics));
  return { metrics, resumed: undefined };
}

async function goOn(
  directory: string,
  { content }: Checkpoint,
  settings: RunSettings,
  { engine, processes }: { engine: string; processes: number },
): Promise<MetricsFile> {
  assertSameSettings(directory, content.settings, settings);
  if (content.engine !== engine) {
    console.warn(
      `${directory} was trained on ${content.engine} up to step ${content.step} and goes on on ${engine}: it will not be the same to the last bits as without a break.`,
    );
  }
  if ((content.processes ?? 1) !== processes) {
    console.warn(
      `${directory} was trained by ${content.processes ?? 1} process(es) up to step ${content.step} and goes on with ${processes}: on the same images in the same order, but batch statistics are of other parts of a batch, so it will not be the same to the last bits.`,
    );
  }
  const metrics = await MetricsFile.reopen(join(directory, runFiles.metrics), content.metrics);
  await removeUnfinished(directory);
  await tidyCheckpoints(join(directory, runFiles.checkpoints), content.step);
  return metrics;
}

async function assertNothingToLose(directory: string, checkpoints: string): Promise<void> {
  const [newest] = await checkpointSteps(checkpoints);
  if (newest === undefined) return;
  throw new Error(
    `${directory} holds an unfinished run, with a checkpoint after step ${newest}. To go on with it: llr train --resume (in code, resume: true). To begin anew, which removes it: llr train --restart (resume: false).`,
  );
}

function assertSameSettings(directory: string, before: RunSettings, now: RunSettings): void {
  const differences = settingsDifferences(before, now);
  if (differences.length === 0) return;
  throw new Error(
    `${directory} holds a run with other settings, which can't be gone on with: ${differences.join('; ')}. Put them back, or train in another folder.`,
  );
}
