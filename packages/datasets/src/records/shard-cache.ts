import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { request } from './http.ts';

/** A file at a URL, and what is known of it beforehand. */
export interface RemoteFile {
  readonly url: string;
  readonly size?: number;
  readonly md5?: string;
}

const pause = 100;
/** The one who downloads touches its lock at least this often; one not touched for long was left behind. */
const heartbeat = 2_000;
const abandoned = 30_000;
const attempts = 4;

/**
 * The path of a file's copy in the cache, downloaded if it isn't there: to a temporary name, which the next
 * attempt goes on with (where the server sends parts and says that the file is the same), whole before it
 * gets its own. Several threads and processes may ask for one file; one downloads, the others wait.
 *
 * @param options.folder - the cache; the files used longest ago are taken away when it grows over `mostBytes`
 * @throws an error that names the URL: the server's refusal, a size or checksum that isn't the expected one
 */
export async function cachedFile(
  file: RemoteFile,
  { folder, mostBytes }: { folder: string; mostBytes: number },
): Promise<string> {
  const path = join(folder, cacheName(file.url));
  await mkdir(folder, { recursive: true });
  for (;;) {
    if (await touched(path)) return path;
    const release = await locked(`${path}.lock`);
    if (release) {
      try {
        if (await touched(path)) return path;
        await download(file, path);
        await trim(folder, mostBytes, path);
        return path;
      } finally {
        await release();
      }
    }
    await setTimeout(pause);
  }
}

/** Other URLs never share a name, and a URL never leaves the folder. */
function cacheName(url: string): string {
  const { pathname } = new URL(url);
  const readable = basename(pathname)
    .replace(/[^\w.-]/g, '_')
    .slice(-80);
  return `${createHash('sha256').update(url).digest('hex').slice(0, 16)}-${readable}`;
}

/** Whether a file is there; its time of change says when it was used last. */
async function touched(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

/** Takes a lock; undefined when somebody else holds it. What is returned gives it back. */
async function locked(path: string): Promise<(() => Promise<void>) | undefined> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    const held = await stat(path).catch(() => undefined);
    if (held && Date.now() - held.mtimeMs > abandoned) await rm(path, { force: true });
    return undefined;
  }
  const beat = setInterval(() => {
    touched(path);
  }, heartbeat);
  beat.unref();
  return async () => {
    clearInterval(beat);
    await rm(path, { force: true });
  };
}

async function download(file: RemoteFile, path: string): Promise<void> {
  const part = `${path}.part`;
  let last: unknown;
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      await downloadOnce(file, part);
      await rename(part, path);
      await rm(`${part}.tag`, { force: true });
      return;
    } catch (cause) {
      if (cause instanceof Refused) throw new Error(cause.message);
      last = cause;
    }
  }
  throw last;
}

/** Trying again would not help. */
class Refused extends Error {}

async function downloadOnce({ url, size, md5 }: RemoteFile, part: string): Promise<void> {
  const tag = await readFile(`${part}.tag`, 'utf8').catch(() => '');
  const there = tag
    ? await stat(part).then(
        (found) => found.size,
        () => 0,
      )
    : 0;
  const response = await request(
    url,
    there > 0 ? { range: `bytes=${there}-`, 'if-range': tag } : {},
  ).catch(async (cause: Error) => {
    // A part that is longer than the file, say: the next attempt begins anew.
    await rm(`${part}.tag`, { force: true });
    throw there > 0 ? cause : new Refused(cause.message);
  });
  const goesOn = response.status === 206;
  const start = goesOn ? there : 0;
  const expected = size ?? lengthOf(response, start);
  const newTag = response.headers.get('etag') ?? response.headers.get('last-modified') ?? '';
  // If-Range takes strong validators only.
  await writeFile(`${part}.tag`, newTag.startsWith('W/') ? '' : newTag);
  const handle = await open(part, goesOn ? 'a' : 'w');
  try {
    for await (const chunk of response.body ?? []) await handle.write(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const { size: found } = await stat(part);
  if (expected !== undefined && found !== expected) {
    if (found > expected) await rm(`${part}.tag`, { force: true });
    const what = `${url} should have ${expected} bytes; ${found} came.`;
    throw size !== undefined && lengthOf(response, start) === found
      ? await discard(part, what)
      : new Error(what);
  }
  if (md5 && (await md5Of(part)) !== md5) {
    throw await discard(part, `${url}: its MD5 checksum should be ${md5}; it is another.`);
  }
}

async function discard(part: string, message: string): Promise<Refused> {
  await rm(part, { force: true });
  await rm(`${part}.tag`, { force: true });
  return new Refused(message);
}

/** Of the whole file; undefined when the server doesn't say. */
function lengthOf({ headers }: Response, start: number): number | undefined {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? undefined : start + Number(length);
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Takes away what was used longest ago. */
async function trim(folder: string, mostBytes: number, keep: string): Promise<void> {
  const files = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (/\.(lock|part|tag)$/.test(name)) continue;
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) files.push({ path, size: found.size, used: found.mtimeMs });
  }
  let bytes = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files.sort((a, b) => a.used - b.used)) {
    if (bytes <= mostBytes) return;
    if (path === keep) continue;
    await rm(path, { force: true });
    bytes -= size;
  }
}
