import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { download } from '../src/download/download.ts';
import { temporary } from './cifar-files.ts';

const { folderOf } = temporary();

const content = Buffer.from(
  Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256),
);
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const published = { size: content.length, sha256: sha(content) };

type Handler = (request: IncomingMessage, response: ServerResponse, number: number) => void;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server on this machine, and the requests it got. */
async function serve(handler: Handler): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    handler(request, response, ranges.length);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, ranges };
}

/** Answers that break off once so many bytes have been read: with a connection, what is unread is lost. */
const held = new Map<number, ServerResponse>();

/** Sends the file as servers do: whole, or from where it was asked for. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  {
    file = content,
    etag = '"one"',
    upTo = file.length,
  }: { file?: Buffer; etag?: string; upTo?: number } = {},
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const ifRange = request.headers['if-range'];
  const rest = from > 0 && (ifRange === undefined || ifRange === etag);
  const start = rest ? from : 0;
  response.writeHead(rest ? 206 : 200, {
    etag,
    'content-length': file.length - start,
    ...(rest ? { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` } : {}),
  });
  // Before it is sent, since it may be read before this process is told that it was.
  if (upTo < file.length) held.set(upTo, response);
  response.write(file.subarray(start, upTo));
  if (upTo >= file.length) response.end();
}

const quick = {
  pause: 1,
  // A busy machine is silent for seconds; what silence does has a test of its own.
  patience: 200_000,
  onProgress: ({ received }: { received: number }) => {
    held.get(received)?.destroy();
    held.delete(received);
  },
};
const target = () => join(folderOf({}), 'file');
const leftBeside = (file: string) => readdirSync(join(file, '..')).sort();

describe('download', () => {
  it('brings the file, says how far it is, and leaves nothing beside it', async () => {
    const { url, ranges } = await serve((request, response) => send(request, response));
    const file = target();
    const received: number[] = [];
    await download({ ...published, urls: [url] }, file, {
      ...quick,
      onProgress: (progress) => received.push(progress.received),
    });
    expect(Buffer.compare(readFileSync(file), content)).toBe(0);
    expect(leftBeside(file)).toEqual(['file']);
    expect(ranges).toEqual([undefined]);
    expect(received.at(-1)).toBe(content.length);
    expect(received).toEqual([...received].sort((a, b) => a - b));
  });

  it('goes on where a connection broke, again and again', async () => {
    const { url, ranges } = await serve((request, response, number) =>
      send(request, response, number < 4 ? { upTo: number * 70_000 } : {}),
    );
    const file = target();
    await download({ ...published, urls: [url] }, file, { ...quick, tries: 1 });
    expect(sha(readFileSync(file))).toBe(published.sha256);
    expect(ranges).toEqual([undefined, 'bytes=70000-', 'bytes=140000-', 'bytes=210000-']);
  });

  it('goes on with what an earlier process left', async () => {
    const { url, ranges } = await serve((request, response) => send(request, response));
    const file = target();
    writeFileSync(`${file}.part`, content.subarray(0, 123_456));
    await download({ ...published, urls: [url] }, file, quick);
    expect(sha(readFileSync(file))).toBe(published.sha256);
    expect(ranges).toEqual(['bytes=123456-']);
    expect(leftBeside(file)).toEqual(['file']);
  });

  it('only checks what is whole already', async () => {
    const { url, ranges } = await serve((request, response) => send(request, response));
    const file = target();
    writeFileSync(`${file}.part`, content);
    await download({ ...published, urls: [url] }, file, quick);
    expect(ranges).toEqual([]);
    expect(leftBeside(file)).toEqual(['file']);
  });

  it.each([
    ['with other bytes', Buffer.alloc(1000, 1)],
    ['longer than the file', Buffer.alloc(content.length + 1)],
    ['as long as the file', Buffer.alloc(content.length)],
  ])('begins anew when what was left is wrong: %s', async (_, left) => {
    const { url } = await serve((request, response) => send(request, response));
    const file = target();
    writeFileSync(`${file}.part`, left);
    await download({ ...published, urls: [url] }, file, quick);
    expect(sha(readFileSync(file))).toBe(published.sha256);
  });

  it('begins anew when the server knows no ranges', async () => {
    const { url, ranges } = await serve((request, response, number) => {
      delete request.headers.range;
      send(request, response, number === 1 ? { upTo: 100_000 } : {});
    });
    const file = target();
    await download({ ...published, urls: [url] }, file, quick);
    expect(sha(readFileSync(file))).toBe(published.sha256);
    expect(ranges).toEqual([undefined, 'bytes=100000-']);
  });

  it('begins anew when the file there has changed in between', async () => {
    const old = Buffer.alloc(content.length, 5);
    const conditions: unknown[] = [];
    const { url } = await serve((request, response, number) => {
      conditions.push(request.headers['if-range']);
      send(request, response, number === 1 ? { file: old, etag: '"old"', upTo: 50_000 } : {});
    });
    const file = target();
    await download({ ...published, urls: [url] }, file, quick);
    expect(sha(readFileSync(file))).toBe(published.sha256);
    expect(conditions).toEqual([undefined, '"old"']);
  });

  it('goes on at another address when one has broken off for good', async () => {
    const first = await serve((request, response, number) => {
      if (number === 1) send(request, response, { upTo: 90_000 });
      else response.writeHead(503).end();
    });
    const second = await serve((request, response) => send(request, response, { etag: '"other"' }));
    const file = target();
    await download({ ...published, urls: [first.url, second.url] }, file, { ...quick, tries: 2 });
    expect(sha(readFileSync(file))).toBe(published.sha256);
    expect(first.ranges).toHaveLength(3);
    expect(second.ranges).toEqual(['bytes=90000-']);
  });

  it('waits and tries again when a server is busy, but not when it has no such file', async () => {
    const busy = await serve((request, response, number) => {
      if (number < 3) response.writeHead(number === 1 ? 500 : 429).end();
      else send(request, response);
    });
    const missing = await serve((_, response) => void response.writeHead(404).end());
    const file = target();
    await download({ ...published, urls: [missing.url, busy.url] }, file, quick);
    expect(existsSync(file)).toBe(true);
    expect([missing.ranges.length, busy.ranges.length]).toEqual([1, 3]);
  });
});

describe('a download that fails', () => {
  const failing = async (handler: Handler, options = {}) => {
    const { url } = await serve(handler);
    const file = target();
    const error = await download({ ...published, urls: [url] }, file, {
      ...quick,
      tries: 2,
      ...options,
    }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error).toBeInstanceOf(Error);
    expect(existsSync(file)).toBe(false);
    return { message: error!.message.replace(url, 'URL'), left: leftBeside(file) };
  };

  it.each([
    ['404', 404, 'it answers 404 (Not Found)'],
    ['500', 500, 'it answers 500 (Internal Server Error)'],
    ['403', 403, 'it answers 403 (Forbidden)'],
    ['416', 416, 'it has not as many bytes'],
  ])('says what the server answered: %s', async (_, status, message) => {
    const { message: found, left } = await failing((_request, response) => {
      response.writeHead(status).end('no');
    });
    expect(found).toMatch(/file could not be downloaded\.\n {2}URL: /);
    expect(found.endsWith(`URL: ${message}`)).toBe(true);
    expect(left).toEqual([]);
  });

  it('with another checksum names both and leaves nothing', async () => {
    const other = Buffer.alloc(content.length, 9);
    const { message, left } = await failing((request, response) =>
      send(request, response, { file: other }),
    );
    expect(message).toContain(
      `its file is not the published one, and was removed: sha256 ${sha(other)}, not ${published.sha256}`,
    );
    expect(left).toEqual([]);
  });

  it('with another length is refused before it is read', async () => {
    const { message } = await failing((request, response) =>
      send(request, response, { file: content.subarray(1) }),
    );
    expect(message).toContain('URL: its file has 299,999 bytes, not 300,000');
  });

  it('with more bytes than it should have is stopped', async () => {
    const { message, left } = await failing((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    expect(message).toContain('URL: it sends more than the 300,000 bytes of the file');
    expect(left).toEqual([]);
  });

  it('with a web page keeps none of it', async () => {
    const { message, left } = await failing((_request, response) => {
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
        .end('<h1>Log in</h1>');
    });
    expect(message).toContain('URL: it sends a web page instead of the file');
    expect(left).toEqual([]);
  });

  it('keeps what arrived of a file that ends too early, and says so', async () => {
    const { message, left } = await failing((request, response) => {
      if (request.headers.range) response.writeHead(500).end();
      else {
        response.writeHead(200, { etag: '"one"' });
        response.end(content.subarray(0, 150_000));
      }
    });
    expect(message).toMatch(
      /downloaded\. 0\.1 of 0\.3 MB are kept, and the next try goes on from there\./,
    );
    expect(left).toEqual(['file.part', 'file.part.json']);
  });

  it('says when another part comes than was asked for', async () => {
    const { message } = await failing((request, response, number) => {
      if (number === 1) return send(request, response, { upTo: 1000 });
      response.writeHead(206, { 'content-range': 'bytes 0-299999/300000' });
      response.end(content);
    });
    expect(message).toContain('it sends another part of the file than it was asked for');
  });

  it('gives up on a server that says nothing, before or amid the file', async () => {
    const patience = 150;
    const silent = await failing(() => {}, { patience });
    expect(silent.message).toContain('URL: it has been silent for 0 s');
    const amid = await failing(
      (_request, response) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 10));
      },
      { patience },
    );
    expect(amid.message).toContain('URL: it has been silent for 0 s');
  });

  it('says why no connection could be made', async () => {
    const file = target();
    await expect(
      download({ ...published, urls: ['http://127.0.0.1:1/file'] }, file, { ...quick, tries: 1 }),
    ).rejects.toThrow(/127\.0\.0\.1:1\/file: .*(ECONNREFUSED|bad port)/);
  });

  it('stops when told to, and goes on the next time', async () => {
    let hold = true;
    const { url, ranges } = await serve((request, response) => {
      if (!hold) return send(request, response);
      response.writeHead(200, { etag: '"one"', 'content-length': content.length });
      response.write(content.subarray(0, 200_000));
    });
    const file = target();
    const stop = new AbortController();
    await expect(
      download({ ...published, urls: [url] }, file, {
        ...quick,
        signal: stop.signal,
        onProgress: ({ received }) => {
          if (received === 200_000) stop.abort();
        },
      }),
    ).rejects.toThrow('Stopped after 0.2 of 0.3 MB; the same command goes on from there.');
    expect(leftBeside(file)).toEqual(['file.part', 'file.part.json']);
    hold = false;
    await download({ ...published, urls: [url] }, file, quick);
    expect(sha(readFileSync(file))).toBe(published.sha256);
    expect(ranges).toEqual([undefined, 'bytes=200000-']);
  });

  it('for want of a place on this machine is not tried elsewhere', async () => {
    const { url, ranges } = await serve((request, response) => send(request, response));
    const file = join(folderOf({ a: 'a file' }), 'a', 'file');
    await expect(download({ ...published, urls: [url, url] }, file, quick)).rejects.toThrow(
      /ENOTDIR|EEXIST/,
    );
    expect(ranges).toEqual([]);
  });
});
