import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { AdversarialImage, BegunTry, JournalEntry } from '@llr/attacks';
import { writeWhole } from '@llr/models';
import { fieldInWords, firstDifference, inWords } from './provenance.ts';

/** What is remembered of an adversarial image: its pixels are in another file. */
export type SavedImage = Omit<AdversarialImage, 'image' | 'perturbation'>;

/** A line of the journal: what was judged in one batch, and which adversarial images of it were saved. */
type Line<Entry> = Entry & { saved?: readonly SavedImage[] };

/**
 * The journal of an evaluation on disk: a header that says of what, then a line for each batch. A line is on disk before
 * the next batch begins, so whenever the process ends, one batch is lost at most.
 */
export interface JournalFile<Entry = JournalEntry> {
  readonly restored: readonly Entry[];
  /** In the order in which they were saved. */
  readonly saved: readonly SavedImage[];
  /** How many there are by now. */
  entries(): number;
  append(entry: Entry, saved: readonly SavedImage[]): Promise<void>;
  /** Tries in stages that had begun. */
  readonly begun: readonly BegunTry[];
  keepBegun(tries: readonly BegunTry[]): Promise<void>;
  close(): Promise<void>;
  /** When the result is on disk. */
  remove(): Promise<void>;
}

/**
 * Opens a journal to go on with, or begins one. A last line that was cut off by the end of the process is removed.
 *
 * @param header - plain data: what the evaluation is of
 * @param restart - begin anew, whatever is there
 * @throws Error when the journal is another evaluation's, naming the field that differs, or is damaged
 */
export async function openJournal<Entry extends object = JournalEntry>(
  file: string,
  header: object,
  restart: boolean,
): Promise<JournalFile<Entry>> {
  const found = restart ? undefined : await readJournal<Entry>(file, header);
  if (!found) {
    await rm(begunFile(file), { force: true });
    await writeWhole(file, [Buffer.from(`${JSON.stringify(header)}\n`)]);
  }
  const handle = await open(file, 'r+');
  let position = found?.length ?? (await handle.stat()).size;
  await handle.truncate(position);
  const lines = found?.lines ?? [];
  let entries = lines.length;
  return {
    restored: lines.map(({ saved: _, ...entry }) => entry as Entry),
    saved: lines.flatMap(({ saved = [] }) => saved),
    entries: () => entries,
    append: async (entry, saved) => {
      const line: Line<Entry> = saved.length > 0 ? { ...entry, saved } : entry;
      position += await appendAt(handle, Buffer.from(`${JSON.stringify(line)}\n`), position);
      entries += 1;
    },
    close: () => handle.close(),
    begun: found ? await readBegun(begunFile(file)) : [],
    keepBegun: (tries) => writeWhole(begunFile(file), [serialize(tries)]),
    remove: async () => {
      await rm(file, { force: true });
      await rm(begunFile(file), { force: true });
    },
  };
}

/** Whether there is a journal to go on with, of just this evaluation. */
export const isJournalOf = (file: string, header: object): Promise<boolean> =>
  readJournal(file, header).then(
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

/** Writes bytes and waits until they are on disk. */
export async function appendAt(
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<number> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
  await handle.datasync();
  return bytes.length;
}

/** The whole lines of a journal, and how many bytes they take; nothing where there is none. */
async function readJournal<Entry>(
  file: string,
  header: object,
): Promise<{ lines: Line<Entry>[]; length: number } | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const end = bytes.lastIndexOf('\n') + 1;
  if (end === 0) return undefined;
  const [first, ...texts] = bytes.subarray(0, end).toString().trimEnd().split('\n');
  assertSameEvaluation(parsed(first!), header, file);
  let length = Buffer.byteLength(first!) + 1;
  const lines: Line<Entry>[] = [];
  for (const [i, text] of texts.entries()) {
    const line = parsed(text) as Line<Entry> | undefined;
    // After a loss of power the last line may be on disk as a hole.
    if (!line && i === texts.length - 1) break;
    if (!line) throw new Error(`${file} is damaged in line ${i + 2}. ${waysOut(file)}`);
    lines.push(line);
    length += Buffer.byteLength(text) + 1;
  }
  return { lines, length };
}

function assertSameEvaluation(found: unknown, header: object, file: string): void {
  if (typeof found !== 'object' || found === null) {
    throw new Error(`${file} is no journal of llr eval. ${waysOut(file)}`);
  }
  const difference = firstDifference(found, plain(header));
  if (!difference) return;
  const { field, first, second } = difference;
  throw new Error(
    `${file} is the journal of another evaluation, which has not ended: ${fieldInWords(field)} is ${inWords(first)} there and ${inWords(second)} here. ${waysOut(file)}`,
  );
}

const waysOut = (file: string) =>
  `Begin anew with --restart, which gives up what ${basename(file)} holds, or keep it and name another result, --out.`;

const plain = (value: object): unknown => JSON.parse(JSON.stringify(value));

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
