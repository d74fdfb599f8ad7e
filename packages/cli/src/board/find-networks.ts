import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runFiles } from '@llr/train';

/** Folders of a run that hold no other run. */
const inner: readonly string[] = [runFiles.checkpoints, runFiles.best, runFiles.model];

/** Folders deeper than that are no runs, but a loop of links or somebody's whole disk. */
const deepest = 8;

/** The folders, at any depth, in which a run or an evaluation is; sorted, so that a board is the same every time. */
export async function foldersOfNetworks(folder: string, depth = 0): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const has = (name: string) => entries.some((entry) => entry.name === name);
  const own = has(runFiles.run) || has(runFiles.evaluation) ? [folder] : [];
  if (depth === deepest) return own;
  const found: string[] = [];
  for (const { name } of entries.filter(isSearched).sort(byName)) {
    found.push(...(await foldersOfNetworks(join(folder, name), depth + 1)));
  }
  return [...own, ...found];
}

const isSearched = (entry: Dirent): boolean =>
  entry.isDirectory() &&
  !entry.name.startsWith('.') &&
  entry.name !== 'node_modules' &&
  !inner.includes(entry.name);

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : 1);
