import { setTimeout as wait } from 'node:timers/promises';
import { PartialFile } from './partial-file.ts';
import type { PublishedFile } from './published.ts';
import { Refusal, request } from './request.ts';

export interface DownloadOptions {
  /** Called as bytes arrive, those of an earlier try included. */
  onProgress?: (progress: { received: number; size: number; url: string }) => void;
  /** Stops the download; what has arrived stays. */
  signal?: AbortSignal;
  /** How long an address may be silent, in milliseconds. Default 30 s. */
  patience?: number;
  /** How long to wait before the second try at an address; doubled each time. Default 1 s. */
  pause?: number;
  /** How often an address is tried again without a byte arriving. Default 4. */
  tries?: number;
}

/**
 * Downloads a file: from each of its addresses in turn until one has it, going on where an earlier try
 * stopped, and only under its name when its checksum is right.
 *
 * What has arrived lies in `FILE.part`. It is gone on with by a Range request: at the same address only if
 * the file there is still the same (If-Range), at another one since the checksum decides in the end.
 *
 * @param published - what the file must be
 * @param file - where it goes
 * @throws an error that says what went wrong at each address
 */
export async function download(
  { urls, size, sha256 }: Pick<PublishedFile, 'urls' | 'size' | 'sha256'>,
  file: string,
  options: DownloadOptions = {},
): Promise<void> {
  const part = await PartialFile.open(file);
  const failures: string[] = [];
  try {
    if (part.size > size) await part.restart();
    for (const url of urls) {
      const failure = await fromAddress(part, url, size, sha256, options);
      if (failure === undefined) {
        await part.finish();
        return;
      }
      failures.push(`  ${url}: ${failure}`);
    }
  } catch (error) {
    await part.leave().catch(() => {});
    throw error;
  }
  const arrived = part.size;
  await part.leave();
  const kept =
    arrived > 0
      ? ` ${megabytes(arrived, size)} are kept, and the next try goes on from there.`
      : '';
  throw new Error(`${file} could not be downloaded.${kept}\n${failures.join('\n')}`);
}

/** @returns why it failed, if it did */
async function fromAddress(
  part: PartialFile,
  url: string,
  size: number,
  sha256: string,
  options: DownloadOptions,
): Promise<string | undefined> {
  const { pause = 1000, tries = 4, signal } = options;
  let startedAt = part.size;
  for (let tried = 0; ; ) {
    const before = part.size;
    let failure: Error | undefined;
    try {
      if (part.size < size) await receive(part, url, size, options);
    } catch (error) {
      if (signal?.aborted) {
        throw new Error(
          `Stopped after ${megabytes(part.size, size)}; the same command goes on from there.`,
        );
      }
      if (error instanceof DiskError) throw error.cause;
      failure = error as Error;
    }
    if (!failure && part.size === size) {
      const found = part.sha256();
      if (found === sha256) return undefined;
      await part.restart();
      // What an earlier try had left may have been the wrong part.
      if (startedAt === 0) {
        return `its file is not the published one, and was removed: sha256 ${found}, not ${sha256}`;
      }
      startedAt = 0;
      continue;
    }
    if (failure instanceof Refusal) return failure.message;
    tried = part.size > before ? 0 : tried + 1;
    if (tried >= tries) return failure ? reason(failure) : 'it ends too early';
    await wait(pause * 2 ** tried, undefined, signal ? { signal } : {}).catch(() => {});
  }
}

/** One request, as far as it brings. */
async function receive(
  part: PartialFile,
  url: string,
  size: number,
  { onProgress, signal, patience = 30_000 }: DownloadOptions,
): Promise<void> {
  const silence = new AbortController();
  const giveUp = () =>
    silence.abort(new Error(`it has been silent for ${Math.round(patience / 1000)} s`));
  const timer = setTimeout(giveUp, patience);
  const either = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
  try {
    const { start, origin, body } = await request(url, part.size, part.origin, size, either);
    await onDisk(async () => {
      if (start !== part.size) await part.restart();
      await part.setOrigin(origin);
    });
    for await (const chunk of body) {
      timer.refresh();
      if (part.size + chunk.length > size) {
        await onDisk(() => part.restart());
        throw new Refusal(`it sends more than the ${size.toLocaleString('en')} bytes of the file`);
      }
      await onDisk(() => part.append(chunk));
      onProgress?.({ received: part.size, size, url });
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A failure on this side, which no other address mends. */
class DiskError extends Error {}

async function onDisk(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (cause) {
    throw new DiskError('', { cause });
  }
}

/** fetch says only that it failed; what it was is in the cause. */
function reason(error: Error): string {
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}

const megabytes = (bytes: number, size: number) =>
  `${(bytes / 1e6).toFixed(1)} of ${(size / 1e6).toFixed(1)} MB`;
