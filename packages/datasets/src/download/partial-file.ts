import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What the bytes of a `.part` file came from, so that a later request can ask for the rest of the same. */
export interface Origin {
  readonly url: string;
  /** The ETag or Last-Modified that came with them. */
  readonly validator?: string;
}

/**
 * A file on its way: what has arrived of it lies in `FILE.part`, with its origin in `FILE.part.json`, and
 * stays there when a download stops, however it stops. The checksum is kept up to date with it.
 */
export class PartialFile {
  readonly #file: string;
  #handle: FileHandle;
  #hash: Hash;
  #size: number;
  #origin: Origin | undefined;

  private constructor(
    file: string,
    handle: FileHandle,
    hash: Hash,
    size: number,
    origin: Origin | undefined,
  ) {
    this.#file = file;
    this.#handle = handle;
    this.#hash = hash;
    this.#size = size;
    this.#origin = origin;
  }

  /** Opens what is there of a file, or begins it. */
  static async open(file: string): Promise<PartialFile> {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(`${file}.part`, 'a');
    const { size } = await handle.stat();
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(`${file}.part`)) hash.update(chunk as Buffer);
    return new PartialFile(file, handle, hash, size, await readOrigin(`${file}.part.json`));
  }

  /** How many bytes have arrived. */
  get size(): number {
    return this.#size;
  }

  get origin(): Origin | undefined {
    return this.#origin;
  }

  async setOrigin(origin: Origin): Promise<void> {
    this.#origin = origin;
    await writeFile(`${this.#file}.part.json`, JSON.stringify(origin));
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#handle.appendFile(bytes);
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  /** Forgets what has arrived. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#size = 0;
    this.#origin = undefined;
  }

  /** Of what has arrived. */
  sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Makes it the whole file. */
  async finish(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(`${this.#file}.part`, this.#file);
    await rm(`${this.#file}.part.json`, { force: true });
  }

  /** Leaves what has arrived for another time. */
  async leave(): Promise<void> {
    await this.#handle.close();
    if (this.#size === 0) await this.#remove();
  }

  /** Removes all of it. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await this.#remove();
  }

  async #remove(): Promise<void> {
    await rm(`${this.#file}.part`, { force: true });
    await rm(`${this.#file}.part.json`, { force: true });
  }
}

async function readOrigin(file: string): Promise<Origin | undefined> {
  try {
    const { url, validator } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    if (typeof url !== 'string') return undefined;
    return typeof validator === 'string' ? { url, validator } : { url };
  } catch {
    return undefined;
  }
}
