import { readFile, rm } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import type { AdversarialImage, BegunTry, JournalEntry } from '@llr/attacks';
import { writeWhole } from '@llr/models';
import { type JournalKind, openLineJournal, readLines } from '../line-journal.ts';

/** What is remembered of an adversarial image: its pixels are in another file. */
export type SavedImage = Omit<AdversarialImage, 'image' | 'perturbation'>;

/** A line of the journal: what was judged in one batch, and which adversarial images of it were saved. */
type Line = JournalEntry & { saved?: readonly SavedImage[] };

/** The journal of an evaluation on disk. */
export interface JournalFile {
  readonly restored: readonly JournalEntry[];
  /** In the order in which they were saved. */
  readonly saved: readonly SavedImage[];
  /** How many there are by now. */
  entries(): number;
  append(entry: JournalEntry, saved: readonly SavedImage[]): Promise<void>;
  /** Tries in stages that had begun. */
  readonly begun: readonly BegunTry[];
  keepBegun(tries: readonly BegunTry[]): Promise<void>;
  close(): Promise<void>;
  /** When the result is on disk. */
  remove(): Promise<void>;
}

/**
 * Opens the journal of an evaluation to go on with, or begins one.
 *
 * @throws Error as `openLineJournal`
 */
export async function openJournal(
  file: string,
  header: object,
  restart: boolean,
): Promise<JournalFile> {
  const clear = () => rm(begunFile(file), { force: true });
  const journal = await openLineJournal<Line>(file, header, restart, { ...kind, clear });
  return {
    restored: journal.lines.map(({ saved: _, ...entry }) => entry as JournalEntry),
    saved: journal.lines.flatMap(({ saved = [] }) => saved),
    entries: journal.entries,
    append: (entry, saved) => journal.append(saved.length > 0 ? { ...entry, saved } : entry),
    close: journal.close,
    begun: journal.isNew ? [] : await readBegun(begunFile(file)),
    keepBegun: (tries) => writeWhole(begunFile(file), [serialize(tries)]),
    remove: async () => {
      await journal.remove();
      await clear();
    },
  };
}

const kind: JournalKind = { command: 'llr eval', work: 'evaluation' };

/** Whether there is a journal to go on with, of just this evaluation. */
export const isJournalOf = (file: string, header: object): Promise<boolean> =>
  readLines(file, header, kind).then(
    (found) => found !== undefined,
    () => false,
  );

/** Written anew with each batch of an attack in stages: its pixels would swell the journal. */
const begunFile = (journal: string) => `${journal}.begun`;

async function readBegun(file: string): Promise<BegunTry[]> {
  try {
    return deserialize(await readFile(file)) as BegunTry[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Error(
      `${file} is damaged: ${(error as Error).message}. Remove it: the tries that had begun then begin anew.`,
      { cause: error },
    );
  }
}
