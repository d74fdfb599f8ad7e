import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { writeWhole } from '@llr/models';
import { fieldInWords, firstDifference, inWords } from './eval/provenance.ts';

/**
 * A file of lines of JSON: a header that says what is being done, then a line for each batch. A line is on disk before the
 * next batch begins, so whenever the process ends, one batch is lost at most.
 */
export interface LineJournal<Line> {
  /** Whether there was none to go on with. */
  readonly isNew: boolean;
  /** What was there when it was opened. */
  readonly lines: readonly Line[];
  /** How many there are by now. */
  entries(): number;
  append(line: Line): Promise<void>;
  close(): Promise<void>;
  /** When the result is on disk. */
  remove(): Promise<void>;
}

/** What a journal is of, for messages. */
export interface JournalKind {
  /** The command that writes it: `llr eval`. */
  command: string;
  /** What is being done: `evaluation`. */
  work: string;
  /** Removes what an earlier journal of the name has left beside it, before a new one begins. */
  clear?: () => Promise<void>;
}

/**
 * Opens a journal to go on with, or begins one. A last line that was cut off by the end of the process is removed.
 *
 * @param header - plain data: all that the numbers depend on
 * @param restart - begin anew, whatever is there
 * @throws Error when the journal is of something else, naming the field that differs, or is damaged
 */
export async function openLineJournal<Line>(
  file: string,
  header: object,
  restart: boolean,
  kind: JournalKind,
): Promise<LineJournal<Line>> {
  const found = restart ? undefined : await readLines<Line>(file, header, kind);
  if (!found) {
    await kind.clear?.();
    await writeWhole(file, [Buffer.from(`${JSON.stringify(header)}\n`)]);
  }
  const handle = await open(file, 'r+');
  let position = found?.length ?? (await handle.stat()).size;
  await handle.truncate(position);
  let entries = found?.lines.length ?? 0;
  return {
    isNew: found === undefined,
    lines: found?.lines ?? [],
    entries: () => entries,
    append: async (line) => {
      position += await appendAt(handle, Buffer.from(`${JSON.stringify(line)}\n`), position);
      entries += 1;
    },
    close: () => handle.close(),
    remove: () => rm(file, { force: true }),
  };
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

/**
 * The whole lines of a journal, and how many bytes they take; nothing where there is none.
 *
 * @throws as `openLineJournal`
 */
export async function readLines<Line>(
  file: string,
  header: object,
  kind: JournalKind,
): Promise<{ lines: Line[]; length: number } | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const end = bytes.lastIndexOf('\n') + 1;
  if (end === 0) return undefined;
  const [first, ...texts] = bytes.subarray(0, end).toString().trimEnd().split('\n');
  assertSame(parsed(first!), header, file, kind);
  let length = Buffer.byteLength(first!) + 1;
  const lines: Line[] = [];
  for (const [i, text] of texts.entries()) {
    const line = parsed(text) as Line | undefined;
    // After a loss of power the last line may be on disk as a hole.
    if (!line && i === texts.length - 1) break;
    if (!line) throw new Error(`${file} is damaged in line ${i + 2}. ${waysOut(file)}`);
    lines.push(line);
    length += Buffer.byteLength(text) + 1;
  }
  return { lines, length };
}

function assertSame(
  found: unknown,
  header: object,
  file: string,
  { command, work }: JournalKind,
): void {
  if (typeof found !== 'object' || found === null) {
    throw new Error(`${file} is no journal of ${command}. ${waysOut(file)}`);
  }
  const difference = firstDifference(found, plain(header));
  if (!difference) return;
  const { field, first, second } = difference;
  throw new Error(
    `${file} is the journal of another ${work}, which has not ended: ${fieldInWords(field)} is ${inWords(first)} there and ${inWords(second)} here. ${waysOut(file)}`,
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
