import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { readBrotli } from '../src/read-brotli.ts';

const folder = mkdtempSync(join(tmpdir(), 'fashion-mnist-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251);
const contents = { byteLength: 5000, sha256: createHash('sha256').update(bytes).digest('hex') };
const packed = brotliCompressSync(bytes);

function file(name: string, data: Uint8Array): URL {
  const path = join(folder, name);
  writeFileSync(path, data);
  return pathToFileURL(path);
}

it('unpacks what was packed', () => {
  expect(readBrotli(file('sound.br', packed), contents)).toEqual(bytes);
});

it('refuses a truncated file and names it', () => {
  const truncated = file('truncated.br', packed.subarray(0, packed.length - 10));
  expect(() => readBrotli(truncated, contents)).toThrow(
    /truncated\.br is damaged: reinstall @llr\/fashion-mnist\.$/,
  );
});

it('refuses other bytes, though they unpack', () => {
  const changed = Uint8Array.from(bytes);
  changed[1234] = changed[1234]! ^ 1;
  const other = file('changed.br', brotliCompressSync(changed));
  expect(() => readBrotli(other, contents)).toThrow(
    /changed\.br is damaged: .* sha256 .* not [0-9a-f]{64}\.$/,
  );
});

it('refuses more bytes than it should hold', () => {
  const long = file('long.br', brotliCompressSync(new Uint8Array(6000)));
  expect(() => readBrotli(long, contents)).toThrow(/long\.br is damaged/);
});

it('refuses any file with one bit turned', () => {
  for (let at = 0; at < packed.length; at += 7) {
    const turned = Uint8Array.from(packed);
    turned[at] = turned[at]! ^ 0x10;
    expect(() => readBrotli(file('turned.br', turned), contents)).toThrow(/turned\.br is damaged/);
  }
});

it('says that a file is missing', () => {
  expect(() => readBrotli(pathToFileURL(join(folder, 'none.br')), contents)).toThrow(
    /none\.br can't be read: reinstall @llr\/fashion-mnist\.$/,
  );
});
