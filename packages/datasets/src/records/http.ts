import { setTimeout } from 'node:timers/promises';

const attempts = 4;
const firstPause = 500;
/** For the answer to begin; its body has its own limit. */
const answerTime = 60_000;

export const isUrl = (source: string) => /^https?:\/\//.test(source);

/** Where Hugging Face's hub is: HF_ENDPOINT, as for its own tools. */
export const hubEndpoint = () =>
  (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/$/, '');

/**
 * Asks for a URL, again after a pause where the server or the network failed. HF_TOKEN is sent to the hub
 * and to nobody else: `fetch` leaves it out where it is sent on to another host.
 *
 * @throws an error that names the URL and says what the server answered
 */
export async function request(
  url: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const token = process.env.HF_TOKEN;
  const isHub = new URL(url).origin === new URL(hubEndpoint()).origin;
  const all = token && isHub ? { ...headers, authorization: `Bearer ${token}` } : headers;
  let last: unknown;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await setTimeout(firstPause * 2 ** (attempt - 1));
    const stop = new AbortController();
    const timer = globalThis.setTimeout(() => stop.abort(), answerTime);
    try {
      const response = await fetch(url, { headers: all, signal: stop.signal });
      if (response.ok) return response;
      await response.body?.cancel();
      last = new Error(refusal(response.status, isHub, token !== undefined));
      if (response.status < 500 && response.status !== 429 && response.status !== 408) break;
    } catch (cause) {
      last = cause;
    } finally {
      clearTimeout(timer);
    }
  }
  throw new Error(`${url}: ${reason(last)}`, { cause: last });
}

/** Bytes `start` to `end − 1` of a URL. */
export async function requestRange(url: string, start: number, end: number): Promise<ArrayBuffer> {
  const range = `bytes=${start}-${end - 1}`;
  let last: unknown;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const response = await request(url, { range });
    if (response.status !== 206) {
      await response.body?.cancel();
      throw new Error(`${url}: the server sends no parts of files (it ignored the header Range).`);
    }
    try {
      const bytes = await response.arrayBuffer();
      if (bytes.byteLength === end - start) return bytes;
      last = new Error(`${bytes.byteLength} bytes came for ${range}`);
    } catch (cause) {
      last = cause;
    }
  }
  throw new Error(`${url}: ${reason(last)}`, { cause: last });
}

/** The size of what lies at a URL, from a request for its first byte: some stores refuse HEAD. */
export async function remoteSize(url: string): Promise<number> {
  const response = await request(url, { range: 'bytes=0-0' });
  await response.body?.cancel();
  const size = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (response.status === 206 && size) return Number(size);
  throw new Error(`${url}: the server sends no parts of files (it ignored the header Range).`);
}

function refusal(status: number, isHub: boolean, hasToken: boolean): string {
  if (!isHub || (status !== 401 && status !== 403)) return `the server answered ${status}`;
  return hasToken
    ? `the server answered ${status}: the token in HF_TOKEN is not allowed to read this. Accept the data set's terms on its page`
    : `the server answered ${status}: accept the data set's terms on its page, and put a token into the environment variable HF_TOKEN`;
}

/** `fetch` says 'fetch failed' and hides why in its cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return `no answer within ${answerTime / 1000} s.`;
  const { cause } = error;
  return cause instanceof Error ? `${error.message} (${cause.message}).` : `${error.message}.`;
}
