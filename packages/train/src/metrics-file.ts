import { createHash } from 'node:crypto';
import { appendFile, open, readFile, truncate, writeFile } from 'node:fs/promises';
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

  /** An empty file. */
  static async create(file: string): Promise<MetricsFile> {
    await writeFile(file, '');
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
    await truncate(file, bytes);
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
    const handle = await open(this.#file, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    return this.#place;
  }

  #took(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }

  get #place(): MetricsPlace {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') };
  }
}
