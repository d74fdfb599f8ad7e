import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { type BoardEntry, type BoardInput, writeBoard } from '@llr/analysis';
import { boardEntry } from './board-entry.ts';
import { foldersOfNetworks } from './find-networks.ts';

/**
 * Writes a board of all networks in a folder, at any depth.
 *
 * @returns what is in it
 * @throws when there is no such folder, or no network in it
 */
export async function writeBoardOf(
  folder: string,
  {
    file = join(folder, 'board.html'),
    title,
  }: { file?: string | undefined; title?: string | undefined },
): Promise<{ file: string } & BoardInput> {
  if (!existsSync(folder)) throw new Error(`There is no ${folder}.`);
  const entries: BoardEntry[] = [];
  const leftOut: BoardInput['leftOut'] = [];
  for (const directory of await foldersOfNetworks(folder)) {
    try {
      const entry = await boardEntry(directory, folder);
      entries.push(linkedFrom(file, folder, entry));
    } catch (error) {
      leftOut.push({ name: relative(folder, directory) || '.', reason: (error as Error).message });
    }
  }
  if (entries.length + leftOut.length === 0) {
    throw new Error(
      `${folder} holds no run and no evaluation. Train a network with llr train, or evaluate one with llr eval.`,
    );
  }
  const input = { title: title ?? `Networks in ${basename(resolve(folder))}`, entries, leftOut };
  await writeBoard(file, input);
  return { file, ...input };
}

/** Links from where the page lies. */
function linkedFrom(file: string, folder: string, { report, ...entry }: BoardEntry): BoardEntry {
  if (report === undefined) return entry;
  const way = relative(dirname(resolve(file)), resolve(folder))
    .split(sep)
    .map(encodeURIComponent);
  return { ...entry, report: [...way.filter(Boolean), report].join('/') };
}
