import { createHash } from 'node:crypto';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { imageNetRecords, openReader, type Records, whereabouts } from '@llr/datasets';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cachedFile } from '../src/records/shard-cache.ts';
import { type Labelled, parquet, photographs, webDataset } from './forms.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A server of files that knows ranges; `answer` may come before it. */
let server: Server;
let base: string;
let files: Map<string, Buffer>;
let requests: { url: string; range: string | undefined; authorization: string | undefined }[];
let answer: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let labelled: Labelled[];

beforeEach(async () => {
  folder = await temporaryFolder();
  files = new Map();
  requests = [];
  answer = undefined;
  server = createServer((request, response) => {
    const { range, authorization } = request.headers;
    requests.push({ url: request.url!, range, authorization });
    if (!answer?.(request, response)) sendFile(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  labelled = await photographs();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await folder[Symbol.asyncDispose]();
});

const etagOf = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`;

function sendFile(request: IncomingMessage, response: ServerResponse): void {
  const bytes = files.get(request.url!);
  if (!bytes) {
    response.writeHead(404).end();
    return;
  }
  const etag = etagOf(bytes);
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const ifRange = request.headers['if-range'];
  if (first === undefined || (ifRange && ifRange !== etag)) {
    response.writeHead(200, { 'content-length': bytes.length, etag }).end(bytes);
    return;
  }
  const end = last ? Number(last) + 1 : bytes.length;
  const range = `bytes ${first}-${end - 1}/${bytes.length}`;
  const part = bytes.subarray(Number(first), end);
  response
    .writeHead(206, { 'content-length': part.length, 'content-range': range, etag })
    .end(part);
}

const open = (source: string) =>
  imageNetRecords({ source, split: 'train', partial: true, cacheFolder: folder.at('cache') });

async function labelsRead(records: Records): Promise<number[]> {
  const reader = await openReader(records);
  const labels = [];
  for (let index = 0; index < records.size; index++) {
    const { bytes, label } = await reader.read(index);
    expect(Buffer.from(bytes).equals(labelled[index]!.bytes)).toBe(true);
    labels.push(label);
  }
  await reader.close();
  return labels;
}

const labels = () => labelled.map(({ label }) => label);

test('parquet is read by ranges, a row group at a time', async () => {
  files.set('/train-0.parquet', parquet(labelled.slice(0, 8), 3));
  files.set('/train-1.parquet', parquet(labelled.slice(8), 3));
  const records = await open(`${base}/train-{0..1}.parquet`);
  expect(records).toMatchObject({ form: 'parquet over HTTP', size: 12, runs: [3, 3, 2, 3, 1] });
  expect(records.labels).toBeUndefined();
  requests.length = 0;
  expect(await labelsRead(records)).toEqual(labels());
  // Two footers, and for each of the five row groups one request: nothing is fetched twice.
  expect(requests).toHaveLength(7);
  expect(requests.every(({ range }) => range !== undefined)).toBe(true);
  expect(whereabouts(records, 9)).toBe(`${base}/train-1.parquet, row 1`);
});

test("a data set on Hugging Face's hub, with the token for it alone", async () => {
  vi.stubEnv('HF_ENDPOINT', base);
  vi.stubEnv('HF_TOKEN', 'hf_secret');
  const resolved = '/datasets/owner/name/resolve/main';
  files.set(`${resolved}/data/train-00000-of-00002.parquet`, parquet(labelled.slice(0, 8), 8));
  files.set(`${resolved}/data/train-00001-of-00002.parquet`, parquet(labelled.slice(8), 8));
  const entries = [...files].map(([path, { length }]) => ({
    ...{ type: 'file', path: path.slice(resolved.length + 1), size: length },
  }));
  answer = (request, response) => {
    const url = new URL(request.url!, base);
    if (url.pathname !== '/api/datasets/owner/name/tree/main') return false;
    const page = Number(url.searchParams.get('cursor') ?? 0);
    const next = `${base}${url.pathname}?recursive=true&cursor=${page + 1}`;
    response.setHeader('link', page === 0 ? `<${next}>; rel="next"` : '');
    response.end(JSON.stringify([{ type: 'directory', path: 'data', size: 0 }, entries[page]]));
    return true;
  };
  for (const source of [`${base}/datasets/owner/name`, 'hf://datasets/owner/name']) {
    expect(await labelsRead(await open(source))).toEqual(labels());
  }
  expect(new Set(requests.map(({ authorization }) => authorization))).toEqual(
    new Set(['Bearer hf_secret']),
  );
  // Another host gets no token.
  vi.stubEnv('HF_ENDPOINT', 'https://hub.example');
  requests.length = 0;
  await open(`${base}${resolved}/data/train-{00000..00001}-of-00002.parquet`);
  expect(new Set(requests.map(({ authorization }) => authorization))).toEqual(new Set([undefined]));
});

test('where the hub sends on to another host, the token is not sent along', async () => {
  vi.stubEnv('HF_ENDPOINT', base);
  vi.stubEnv('HF_TOKEN', 'hf_secret');
  files.set('/train.parquet', parquet(labelled, 12));
  const elsewhere = base.replace('127.0.0.1', 'localhost');
  const hosts: [string | undefined, string | undefined][] = [];
  answer = ({ url, headers }, response) => {
    hosts.push([headers.host, headers.authorization]);
    if (`http://${headers.host}` !== base) return false;
    response.writeHead(302, { location: `${elsewhere}${url}` }).end();
    return true;
  };
  expect((await open(`${base}/train.parquet`)).size).toBe(12);
  const tokens = new Map(hosts);
  expect(tokens.get(new URL(base).host)).toBe('Bearer hf_secret');
  expect(tokens.has(new URL(elsewhere).host)).toBe(true);
  expect(tokens.get(new URL(elsewhere).host)).toBeUndefined();
});

test('refusals of a server are said, and passing failures tried again', async () => {
  vi.stubEnv('HF_ENDPOINT', base);
  vi.stubEnv('HF_TOKEN', undefined);
  const url = `${base}/train.parquet`;
  files.set('/train.parquet', parquet(labelled, 12));
  const status = (code: number, times: number) => {
    let left = times;
    answer = (_, response) => {
      if (left-- <= 0) return false;
      response.writeHead(code).end();
      return true;
    };
  };
  status(403, 1);
  await expect(open(url)).rejects.toThrow(
    `${url}: the server answered 403: accept the data set's terms on its page, and put a token into the environment variable HF_TOKEN.`,
  );
  status(404, 1);
  await expect(open(url)).rejects.toThrow(/answered 404/);
  expect(requests).toHaveLength(2);
  status(503, 1);
  expect((await open(url)).size).toBe(12);
  answer = (_, response) => {
    response.end(files.get('/train.parquet'));
    return true;
  };
  await expect(open(url)).rejects.toThrow(/the server sends no parts of files/);
});

/** Shards of seven and five samples and their index. */
function putShards(change: { nsamples?: number; md5sum?: string; filesize?: number } = {}): string {
  const shards = [labelled.slice(0, 7), labelled.slice(7)].map((samples, i) => {
    const bytes = webDataset(samples);
    files.set(`/shards/train-${i}.tar`, bytes);
    const md5sum = createHash('md5').update(bytes).digest('hex');
    return { url: `train-${i}.tar`, nsamples: samples.length, md5sum, filesize: bytes.length };
  });
  shards[1] = { ...shards[1]!, ...change };
  const index = { __kind__: 'wids-shard-index-v1', wids_version: 1, shardlist: shards };
  files.set('/shards/index.json', Buffer.from(JSON.stringify(index)));
  return `${base}/shards/index.json`;
}

const downloads = () => requests.filter(({ url }) => url.endsWith('.tar')).map(({ url }) => url);

test('remote shards are fetched once, when needed, also by several readers at a time', async () => {
  const records = await open(putShards());
  expect(records).toMatchObject({ form: 'WebDataset over HTTP', size: 12, runs: [7, 5] });
  expect(downloads()).toEqual([]);
  const readers = await Promise.all([
    openReader(records),
    openReader(records),
    openReader(records),
  ]);
  const found = await Promise.all(readers.map((reader) => reader.read(8)));
  expect(found.map(({ label }) => label)).toEqual(Array(3).fill(labelled[8]!.label));
  expect(downloads()).toEqual(['/shards/train-1.tar']);
  await Promise.all(readers.map((reader) => reader.close()));
  expect(await labelsRead(records)).toEqual(labels());
  expect(downloads()).toEqual(['/shards/train-1.tar', '/shards/train-0.tar']);
  expect(whereabouts(records, 8)).toBe(`${base}/shards/train-1.tar, sample 1`);
});

test("timm's index has the splits in one file, and shards without an index are refused", async () => {
  putShards();
  const splits = { train: { filenames: ['train-0.tar', 'train-1.tar'], shard_lengths: [7, 5] } };
  files.set('/shards/_info.json', Buffer.from(JSON.stringify({ splits })));
  expect(await labelsRead(await open(`${base}/shards/_info.json`))).toEqual(labels());
  await expect(open(`${base}/shards/train-{0..1}.tar`)).rejects.toThrow(
    /how many samples a remote shard has can't be known without reading it/,
  );
});

test('a shard that is not as its index says is refused', async () => {
  const read = async (change: Parameters<typeof putShards>[0]) => {
    const reader = await openReader(await open(putShards(change)));
    return reader.read(7).finally(() => reader.close());
  };
  await expect(read({ md5sum: '0'.repeat(32) })).rejects.toThrow(
    /train-1.tar: its MD5 checksum should be 0{32}; it is another/,
  );
  await expect(read({ filesize: 99 })).rejects.toThrow(
    /train-1.tar should have 99 bytes; \d+ came/,
  );
  expect(await readdir(folder.at('cache/shards'))).toEqual([]);
  await expect(read({ nsamples: 6 })).rejects.toThrow(
    /train-1.tar has 5 images .*; 6 were expected/,
  );
});

test('a download that breaks off goes on where it was', async () => {
  const records = await open(putShards());
  const whole = files.get('/shards/train-0.tar')!;
  let broken = false;
  answer = (request, response) => {
    if (broken || !request.url!.endsWith('.tar')) return false;
    broken = true;
    response.writeHead(200, { 'content-length': whole.length, etag: etagOf(whole) });
    response.write(whole.subarray(0, 20_000));
    // With a connection, what is unread is lost.
    arrived(20_000).then(() => response.destroy());
    return true;
  };
  const reader = await openReader(records);
  expect((await reader.read(0)).label).toBe(labelled[0]!.label);
  await reader.close();
  const ranges = requests.filter(({ url }) => url.endsWith('.tar')).map(({ range }) => range);
  expect(ranges).toEqual([undefined, 'bytes=20000-']);
});

/** Waits until a file on its way into the cache has so many bytes. */
async function arrived(bytes: number): Promise<void> {
  const isThere = async () => {
    const names = await readdir(folder.path, { recursive: true });
    const part = names.find((name) => name.endsWith('.part'));
    return part !== undefined && (await stat(folder.at(part))).size === bytes;
  };
  await vi.waitUntil(isThere, { timeout: 200_000, interval: 20 });
}

test('the cache keeps what was used last, and a lock left behind is no obstacle', async () => {
  const sizes = 1000;
  for (const name of ['a', 'b', 'c']) files.set(`/${name}.tar`, Buffer.alloc(sizes, name));
  const cache = { folder: folder.at('small'), mostBytes: 2 * sizes };
  const a = await cachedFile({ url: `${base}/a.tar` }, cache);
  const b = await cachedFile({ url: `${base}/b.tar` }, cache);
  await utimes(b, 1, 1);
  await cachedFile({ url: `${base}/c.tar` }, cache);
  expect((await readdir(cache.folder)).map((name) => name.slice(-5))).toEqual(
    expect.arrayContaining(['a.tar', 'c.tar']),
  );
  await expect(stat(b)).rejects.toThrow(/ENOENT/);
  expect((await stat(a)).size).toBe(sizes);
  await writeFile(`${b}.lock`, '1');
  await utimes(`${b}.lock`, 1, 1);
  expect(await cachedFile({ url: `${base}/b.tar` }, cache)).toBe(b);
  await expect(cachedFile({ url: `${base}/none.tar` }, cache)).rejects.toThrow(
    `${base}/none.tar: the server answered 404.`,
  );
});
