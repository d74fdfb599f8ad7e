import { createHash } from 'node:crypto';
import { appendFile, type FileHandle, open, readFile } from 'node:fs/promises';
import type { MetricsLine } from './run-directory.ts';

/** How far `metrics.jsonl` had been written. */
export interface MetricsPlace {
  bytes: number;
  /** Of those bytes. */
  sha256: string;
}

/** A run's `metrics.jsonl` while lines are added to it. */
export class MetricsFile {
  /** All lines so far. */
  readonly lines: MetricsLine[] = [];
  readonly #file: string;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  private constructor(file: string) {
    this.#file = file;
  }

  /** A file that is not there yet: the first line makes it. */
  static create(file: string): MetricsFile {
    return new MetricsFile(file);
  }

  /**
   * The file as it was at a place; what was written after it is cut off.
   *
   * @throws when it is not the file that the place is of; it stays as it was then
   */
  static async reopen(file: string, { bytes, sha256 }: MetricsPlace): Promise<MetricsFile> {
    const text = (await readFile(file).catch(() => Buffer.alloc(0))).subarray(0, bytes);
    const metrics = new MetricsFile(file);
    metrics.#took(text);
    if (metrics.#place.sha256 !== sha256) {
      throw new Error(
        `${file} is not what it was at the checkpoint, when it had ${bytes} bytes. Put it back, or start anew by llr train --restart (in code, resume: false).`,
      );
    }
    const lines = text.toString('utf8').split('\n').filter(Boolean);
    metrics.lines.push(...lines.map((line) => JSON.parse(line) as MetricsLine));
    await metrics.#opened((handle) => handle.truncate(bytes));
    return metrics;
  }

  async append(line: MetricsLine): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    await appendFile(this.#file, bytes);
    this.#took(bytes);
    this.lines.push(line);
  }

  /** Where the file has got to, all of it flushed to disk. */
  async flushed(): Promise<MetricsPlace> {
    await this.#opened((handle) => handle.sync());
    return this.#place;
  }

  async #opened(use: (handle: FileHandle) => Promise<void>): Promise<void> {
    const handle = await open(this.#file, 'a');
    try {
      await use(handle);
    } finally {
      await handle.close();
    }
  }

  #took(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }

  get #place(): MetricsPlace {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') };
  }
}
