import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { cifar10, dataFolder, getData, openData } from '@llr/datasets';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PublishedFile } from '../src/download/published.ts';
import { fixture, tarGzOf, temporary } from './cifar-files.ts';

// The published files are too large for a test: small ones of the same forms stand in for them.
const { small, hits } = vi.hoisted(() => ({
  small: { cifar10: {}, cifar100: {} } as Record<string, Record<string, PublishedFile[]>>,
  hits: [] as string[],
}));
vi.mock(import('../src/download/published.ts'), async (original) => ({
  ...(await original()),
  published: small as never,
}));

const { folderOf } = temporary();

const contents: Record<string, Buffer> = {
  'cifar-10-binary.tar.gz': await tarGzOf({
    'cifar-10-batches-bin/test_batch.bin': fixture('cifar10-test-first-20.bin'),
  }),
  'cifar-10-python.tar.gz': await tarGzOf({
    'cifar-10-batches-py/test_batch': fixture('cifar/python2-cifar10-test_batch'),
  }),
  'plain_text/train-00000-of-00001.parquet': fixture('cifar/hf-cifar100-test.parquet'),
  'plain_text/test-00000-of-00001.parquet': fixture('cifar/hf-cifar10-test.parquet'),
};

const server = createServer((request, response) => {
  hits.push(request.url!);
  const name = Object.keys(contents).find((path) => request.url!.endsWith(path.split('/').at(-1)!));
  if (name) response.end(contents[name]);
  else response.writeHead(404).end();
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
afterAll(() => void server.close());

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const file = (path: string): PublishedFile => ({
  path,
  size: contents[path]!.length,
  sha256: sha(contents[path]!),
  urls: [`${host}/nowhere/`, `${host}/mirror/${path}`],
});
small.cifar10 = {
  binary: [file('cifar-10-binary.tar.gz')],
  python: [file('cifar-10-python.tar.gz')],
  parquet: [
    file('plain_text/train-00000-of-00001.parquet'),
    file('plain_text/test-00000-of-00001.parquet'),
  ],
};

beforeEach(() => {
  hits.length = 0;
  vi.stubEnv('LLR_CACHE', folderOf({}));
});
afterEach(() => vi.unstubAllEnvs());

const labels = async (options: { from?: string } = {}) => {
  const source = await cifar10({ ...options, split: 'test', partial: true });
  return { size: source.size, form: source.form };
};

describe('what was downloaded without a place', () => {
  it('is in the cache', () => {
    vi.stubEnv('LLR_CACHE', '');
    vi.stubEnv('XDG_CACHE_HOME', '/caches');
    expect(dataFolder('cifar10')).toBe(join('/caches', 'llr', 'data', 'cifar10'));
    vi.stubEnv('LLR_CACHE', '/llr');
    expect(dataFolder('cifar100')).toBe(join('/llr', 'data', 'cifar100'));
  });

  it('is found by the name alone, without unpacking', async () => {
    const message = `CIFAR-10 is not in ${dataFolder('cifar10')}: llr data get cifar10 downloads it; or say where it is (cifar10:PATH).`;
    await expect(openData('cifar10').open('test')).rejects.toThrow(new Error(message));
    await expect(labels()).rejects.toThrow(message);
    const got = await getData('cifar10');
    const archive = join(dataFolder('cifar10'), 'cifar-10-binary.tar.gz');
    expect(got).toEqual({
      folder: dataFolder('cifar10'),
      files: [archive],
      bytes: contents['cifar-10-binary.tar.gz']!.length,
      alreadyThere: false,
    });
    expect(hits).toEqual(['/nowhere/', '/mirror/cifar-10-binary.tar.gz']);
    expect(await labels()).toEqual({ size: 20, form: `binary version, archive ${archive}` });
    await expect(openData('cifar10').open('test')).rejects.toThrow(/it has 20 records, not 10,000/);
  });

  it('is not taken for there while it is on its way', async () => {
    const from = folderOf({ 'data/cifar10/cifar-10-binary.tar.gz.part': 'beginning' });
    vi.stubEnv('LLR_CACHE', from);
    await expect(labels()).rejects.toThrow(/CIFAR-10 is not in .*: llr data get cifar10/);
  });
});

describe('getData', () => {
  it('brings every form to where it is wanted', async () => {
    for (const form of ['python', 'parquet'] as const) {
      const to = folderOf({});
      const { files } = await getData('cifar10', { to, form });
      expect(files.map((path) => sha(readFileSync(path)))).toEqual(
        small.cifar10![form]!.map(({ sha256 }) => sha256),
      );
      expect((await labels({ from: to })).size).toBe(20);
      expect(existsSync(dataFolder('cifar10'))).toBe(false);
    }
  });

  it('does nothing about what is there already', async () => {
    const to = folderOf({});
    await getData('cifar10', { to });
    hits.length = 0;
    expect(await getData('cifar10', { to })).toMatchObject({ alreadyThere: true });
    expect(hits).toEqual([]);
  });

  it('overwrites nothing else', async () => {
    const to = folderOf({ 'cifar-10-binary.tar.gz': 'my own' });
    await expect(getData('cifar10', { to })).rejects.toThrow(
      `is there already, but it has 6 bytes, not ${contents['cifar-10-binary.tar.gz']!.length.toLocaleString('en')}. Remove it, or choose another folder.`,
    );
    expect(readFileSync(join(to, 'cifar-10-binary.tar.gz'), 'utf8')).toBe('my own');
  });

  it('asks only the copy that the environment names', async () => {
    vi.stubEnv('LLR_CIFAR10_URL', `${host}/own/cifar-10-python.tar.gz`);
    const { files } = await getData('cifar10', { to: folderOf({}) });
    expect(files[0]).toMatch(/cifar-10-python\.tar\.gz$/);
    expect(hits).toEqual(['/own/cifar-10-python.tar.gz']);
    vi.stubEnv('LLR_CIFAR10_URL', `${host}/own/`);
    hits.length = 0;
    await getData('cifar10', { to: folderOf({}), form: 'parquet' });
    expect(hits).toEqual(['/own/train-00000-of-00001.parquet', '/own/test-00000-of-00001.parquet']);
  });

  it.each(['nonsense', 'file:///etc/passwd', 'ftp://host/cifar', 'http://'])(
    'refuses %s as an address',
    async (value) => {
      vi.stubEnv('LLR_CIFAR10_URL', value);
      await expect(getData('cifar10', { to: folderOf({}) })).rejects.toThrow(
        `LLR_CIFAR10_URL should be an http or https address; it is '${value}'.`,
      );
    },
  );

  it.each([
    ['imagenet', {}, "'imagenet' can't be downloaded: cifar10 and cifar100 can."],
    ['cifar10', { form: 'tfrecord' }, "There is no form 'tfrecord': binary, python, parquet."],
  ])('refuses %s %j', async (name, options, message) => {
    await expect(getData(name as 'cifar10', options as object)).rejects.toThrow(
      new RangeError(message),
    );
  });
});

describe('getData from files at hand', () => {
  const python = 'cifar-10-python.tar.gz';

  it('knows a file by its size, compares its sum and links it', async () => {
    const from = join(folderOf({ 'renamed.tgz': contents[python]! }), 'renamed.tgz');
    const to = folderOf({});
    const { files } = await getData('cifar10', { from, to });
    expect(files).toEqual([join(to, python)]);
    expect(statSync(files[0]!).ino).toBe(statSync(from).ino);
    expect(readdirSync(to)).toEqual([python]);
    expect(hits).toEqual([]);
  });

  it('takes several files from a folder, wherever they lie in it', async () => {
    const from = folderOf({
      'train-00000-of-00001.parquet': contents['plain_text/train-00000-of-00001.parquet']!,
      'plain_text/test-00000-of-00001.parquet': contents['plain_text/test-00000-of-00001.parquet']!,
    });
    const { folder } = await getData('cifar10', { from });
    expect(readdirSync(join(folder, 'plain_text')).sort()).toEqual([
      'test-00000-of-00001.parquet',
      'train-00000-of-00001.parquet',
    ]);
    expect((await labels()).size).toBe(20);
  });

  it('refuses a file of the right size with other bytes, and leaves nothing', async () => {
    const other = Buffer.from(contents[python]!);
    other[100]! ^= 1;
    const from = join(folderOf({ [python]: other }), python);
    const to = folderOf({});
    await expect(getData('cifar10', { from, to })).rejects.toThrow(
      `${from} is not the published file: its sha256 is ${sha(other)}, not ${sha(contents[python]!)}.`,
    );
    expect(readdirSync(to)).toEqual([]);
  });

  it('says which files there are when none is given', async () => {
    const from = join(folderOf({ x: 'abc' }), 'x');
    await expect(getData('cifar10', { from })).rejects.toThrow(
      /x \(3 bytes\) is or holds none of the published files:\n {2}cifar-10-binary\.tar\.gz, [\d,]+ bytes\n/,
    );
    await expect(getData('cifar10', { from: join(from, 'nowhere') })).rejects.toThrow(
      /^There is no file or folder .*nowhere\.$/,
    );
    writeFileSync(from, contents[python]!);
    await expect(getData('cifar10', { from, form: 'binary' })).rejects.toThrow(
      /none of the published files:\n {2}cifar-10-binary\.tar\.gz, [\d,]+ bytes$/,
    );
  });
});
