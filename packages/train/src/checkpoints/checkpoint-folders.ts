import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeUnfinished } from '../run-directory.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { removeFolder } from './replace-folder.ts';

/** The folder of the checkpoint after so many steps. */
export const checkpointFolder = (checkpoints: string, step: number): string =>
  join(checkpoints, `step-${step}`);

/** The steps whose checkpoints are in a folder, damaged ones among them, the newest first. */
export async function checkpointSteps(checkpoints: string): Promise<number[]> {
  const names = await readdir(checkpoints).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

/** Removes all but the last so many checkpoints. */
export async function rotateCheckpoints(checkpoints: string, keep: number): Promise<void> {
  for (const step of (await checkpointSteps(checkpoints)).slice(keep)) {
    await removeFolder(checkpointFolder(checkpoints, step));
  }
}

/**
 * The newest checkpoint all of whose files are what was written.
 *
 * @param warn - told of each newer one that is damaged
 * @returns nothing, where there is no checkpoint at all
 * @throws when there are checkpoints, but all of them are damaged
 */
export async function newestCheckpoint(
  checkpoints: string,
  warn: (message: string) => void,
): Promise<Checkpoint | undefined> {
  const damaged: string[] = [];
  for (const step of await checkpointSteps(checkpoints)) {
    const folder = checkpointFolder(checkpoints, step);
    try {
      const found = await readCheckpoint(folder);
      for (const problem of damaged) warn(`${problem}. Going on from ${folder} instead.`);
      return found;
    } catch (error) {
      damaged.push(`The checkpoint ${folder} is damaged: ${(error as Error).message}`);
    }
  }
  if (damaged.length === 0) return undefined;
  throw new Error(
    `${damaged.join('. ')}. There is no other one to go on from: start anew by llr train --restart (in code, resume: false).`,
  );
}

/**
 * Clears away what nothing will be asked of any more: halves of folders that were being written when the process was
 * killed. Damaged checkpoints newer than the one that is gone on from are put aside, under another name.
 */
export async function tidyCheckpoints(checkpoints: string, from: number): Promise<void> {
  await removeUnfinished(checkpoints);
  for (const step of await checkpointSteps(checkpoints)) {
    if (step <= from) continue;
    const folder = checkpointFolder(checkpoints, step);
    await rm(`${folder}.damaged`, { recursive: true, force: true });
    await rename(folder, `${folder}.damaged`);
  }
}
