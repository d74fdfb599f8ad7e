import type { Origin } from './partial-file.ts';

/** A failure that another try at the same address won't mend. */
export class Refusal extends Error {}

/** The answer to a request for a file, or for the rest of it. */
export interface Answer {
  /** Where in the file the body begins: 0 where the server sends all of it. */
  readonly start: number;
  readonly origin: Origin;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Asks for a file from a byte on (RFC 9110: Range, If-Range).
 *
 * @param from - how many bytes are there already
 * @param origin - what those came from: where it is the same address, the rest is only wanted of the same file
 * @param size - how many bytes the file should have
 * @param signal - ends the request and its body
 * @throws Refusal when the server has no such file, or another one; any other error may pass with time
 */
export async function request(
  url: string,
  from: number,
  origin: Origin | undefined,
  size: number,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await fetch(url, {
    headers: {
      // The bytes of the file itself: a .gz must not be unpacked on the way.
      'accept-encoding': 'identity',
      'user-agent': 'llr',
      ...(from > 0 ? { range: `bytes=${from}-` } : {}),
      ...(from > 0 && origin?.url === url && origin.validator
        ? { 'if-range': origin.validator }
        : {}),
    },
    signal,
  });
  try {
    const start = startOf(response, from, size);
    if (!response.body) throw new Error('it sent nothing');
    return { start, origin: originOf(url, response), body: response.body };
  } catch (error) {
    await response.body?.cancel();
    throw error;
  }
}

/** Checks status, type and length. */
function startOf(response: Response, from: number, size: number): number {
  const { status, headers } = response;
  if (status === 416) throw new Refusal('it has not as many bytes');
  if (status !== 200 && status !== 206) {
    const message = `it answers ${status}${response.statusText ? ` (${response.statusText})` : ''}`;
    // A server that is overloaded or down now may not be a moment later.
    throw status >= 500 || status === 408 || status === 429
      ? new Error(message)
      : new Refusal(message);
  }
  if (headers.get('content-type')?.startsWith('text/html')) {
    throw new Refusal('it sends a web page instead of the file');
  }
  if (status === 200) {
    assertSize(Number(headers.get('content-length') ?? size), size);
    return 0;
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  if (!range || Number(range[1]) !== from) {
    throw new Refusal('it sends another part of the file than it was asked for');
  }
  assertSize(range[3] === '*' ? size : Number(range[3]), size);
  return from;
}

function assertSize(found: number, size: number): void {
  if (found !== size) {
    throw new Refusal(
      `its file has ${found.toLocaleString('en')} bytes, not ${size.toLocaleString('en')}`,
    );
  }
}

/** A weak ETag says nothing about bytes. */
function originOf(url: string, { headers }: Response): Origin {
  const etag = headers.get('etag');
  const strong = etag?.startsWith('W/') ? null : etag;
  const validator = strong ?? headers.get('last-modified');
  return validator ? { url, validator } : { url };
}
