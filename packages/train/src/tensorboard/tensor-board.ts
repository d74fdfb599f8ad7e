import { appendFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainCallback, TrainProgress, TrainStart } from '../callbacks.ts';
import { restartRecord, scalarsRecord, versionRecord } from './events.ts';
import { scalarsOf } from './tags.ts';

/**
 * Writes event files that TensorBoard reads (`tensorboard --logdir runs`), on any engine: each number of each line of
 * `metrics.jsonl` as a scalar, and under `speed/` images per second and the share of time spent waiting for data.
 *
 * A run that begins anew replaces the files of an earlier one. One that goes on adds a file, which makes void
 * what those before it have of the steps that are done again. A file is there from its first line on.
 *
 * @param directory - of this run alone, as TensorBoard wants it. Default: the run's folder
 */
export function tensorBoard(directory?: string): TrainCallback {
  let started: TrainStart;
  let file: string | undefined;
  let latest: TrainProgress | undefined;
  return {
    onStart: (start) => {
      started = start;
      file = undefined;
    },
    onStep: (progress) => {
      latest = progress;
    },
    onMetrics: async (line) => {
      const scalars = { ...scalarsOf(line), ...speedOf(latest) };
      // A validation after the same step says nothing new of it.
      latest = undefined;
      file ??= await begin(directory ?? started.directory, started);
      await appendFile(file, scalarsRecord(seconds(), line.step, scalars));
    },
  };
}

/** Since 1970. */
const seconds = (): number => Date.now() / 1000;

/** TensorBoard wants `tfevents` in a name, and reads the files of a folder in the order of their names. */
const fileName = (number: number): string =>
  `events.out.tfevents.${String(number).padStart(4, '0')}.${Math.floor(seconds())}.llr`;
const isOurs = (name: string): boolean => /^events\.out\.tfevents\.\d{4}\.\d+\.llr$/.test(name);

/** Opens a new file, the last of the folder. */
async function begin(folder: string, { step }: TrainStart): Promise<string> {
  await mkdir(folder, { recursive: true });
  const earlier = (await readdir(folder)).filter(isOurs);
  const kept = step > 0 ? earlier.length : 0;
  if (kept === 0) await Promise.all(earlier.map((name) => rm(join(folder, name))));
  const file = join(folder, fileName(kept + 1));
  const now = seconds();
  const records = [versionRecord(now), ...(kept > 0 ? [restartRecord(now, step + 1)] : [])];
  await appendFile(file, Buffer.concat(records));
  return file;
}

const speedOf = (progress: TrainProgress | undefined): Record<string, number> =>
  progress
    ? {
        'speed/images per second': progress.imagesPerSecond,
        'speed/data wait': progress.dataWait,
      }
    : {};
