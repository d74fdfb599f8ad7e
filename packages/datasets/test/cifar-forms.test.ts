import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { type CifarSource, cifar10, cifar100 } from '@llr/datasets';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { bytesPerImage, type Examples } from '../src/cifar/examples.ts';
import { inOfficialOrder } from '../src/cifar/official-order.ts';
import { decodeParquet } from '../src/cifar/parquet.ts';
import { cifar10Variant } from '../src/cifar/variants.ts';
import { type Files, fixture, tarGzOf, tarOf, temporary } from './cifar-files.ts';
import { collect } from './helpers.ts';

const { folderOf } = temporary();

const records10 = fixture('cifar10-test-first-20.bin');
const records100 = fixture('cifar/cifar100-test-first-20.bin');
const labels10 = [3, 8, 8, 0, 6, 6, 1, 6, 3, 1, 0, 9, 5, 7, 9, 8, 5, 7, 8, 6];
const fine = [49, 33, 72, 51, 71, 92, 15, 14, 23, 0, 71, 75, 81, 69, 40, 43, 92, 97, 70, 53];

/** The pixels in HWC, from the records of the binary version. */
function pixels(records: Uint8Array, head: number): number[] {
  const size = head + 3072;
  return Array.from({ length: records.length / size }, (_, n) =>
    Array.from(
      { length: 3072 },
      (_, i) => records[n * size + head + (i % 3) * 1024 + Math.floor(i / 3)]!,
    ),
  ).flat();
}

async function contents(source: CifarSource) {
  const [batch] = await collect(source, { batchSize: source.size });
  return { labels: batch!.labels, pixels: batch!.images.map((value) => Math.round(value * 255)) };
}

const cifar10Forms: Record<string, Files> = {
  'binary version': { 'cifar-10-batches-bin/test_batch.bin': records10 },
  'Python version': {
    'cifar-10-batches-py/test_batch': fixture('cifar/python2-cifar10-test_batch'),
  },
  'Hugging Face parquet': {
    'plain_text/test-00000-of-00001.parquet': fixture('cifar/hf-cifar10-test.parquet'),
  },
};

const cifar100Forms: Record<string, Files> = {
  'binary version': { 'cifar-100-binary/test.bin': records100 },
  'Python version': { 'cifar-100-python/test': fixture('cifar/python2-cifar100-test') },
  'Hugging Face parquet': {
    'cifar100/test-00000-of-00001.parquet': fixture('cifar/hf-cifar100-test.parquet'),
  },
};

const variants = [
  ['cifar10', cifar10, cifar10Forms, labels10, pixels(records10, 1)],
  ['cifar100', cifar100, cifar100Forms, fine, pixels(records100, 2)],
] as const;

describe.each(variants)(
  '%s has the same labels, bytes and order',
  (_, open, forms, labels, bytes) => {
    const test = (from: string) => open({ from, split: 'test', partial: true });

    it.each(Object.entries(forms))('as %s', async (form, files) => {
      const folder = folderOf(files);
      const inner = join(folder, Object.keys(files)[0]!.split('/')[0]!);
      const file = join(folder, Object.keys(files)[0]!);
      const archives = folderOf({ 'a.tar': await tarOf(files), 'a.tar.gz': await tarGzOf(files) });
      const places = [folder, inner, file, join(archives, 'a.tar'), join(archives, 'a.tar.gz')];
      for (const from of places) {
        const source = await test(from);
        expect(source.form).toMatch(new RegExp(`^${form}, (folder|archive) ${from.slice(0, 20)}`));
        expect(await contents(source)).toEqual({ labels, pixels: bytes });
      }
    });
  },
);

describe('CIFAR-100', () => {
  const test = (labels?: 'fine' | 'coarse') =>
    cifar100({
      from: folderOf({ 'test.bin': records100 }),
      split: 'test',
      partial: true,
      ...(labels ? { labels } : {}),
    });

  it('is what was published', () => {
    expect(createHash('sha256').update(records100).digest('hex')).toBe(
      '505fa2cfe7781c8dbb61830432cbcb1c1e10e3e790e0fcf96866e600b1545cab',
    );
  });

  it('has fine labels', async () => {
    const source = await test();
    expect(source).toMatchObject({ name: 'cifar100', size: 20, inputShape: [32, 32, 3] });
    expect(source.classNames).toHaveLength(100);
    expect([...source.classNames]).toEqual([...source.classNames].sort());
    expect(fine.slice(0, 5).map((label) => source.classNames[label])).toEqual([
      'mountain',
      'forest',
      'seal',
      'mushroom',
      'sea',
    ]);
  });

  it.each(Object.entries(cifar100Forms))('has coarse labels as %s', async (_, files) => {
    const from = folderOf(files);
    const source = await cifar100({ from, split: 'test', partial: true, labels: 'coarse' });
    expect(source.classNames).toHaveLength(20);
    const { labels } = await contents(source);
    expect(labels.slice(0, 5).map((label) => source.classNames[label])).toEqual([
      'large_natural_outdoor_scenes',
      'large_natural_outdoor_scenes',
      'aquatic_mammals',
      'fruit_and_vegetables',
      'large_natural_outdoor_scenes',
    ]);
  });

  it('refuses other labels, and CIFAR-10', async () => {
    await expect(test('middle' as 'fine')).rejects.toThrow(
      new RangeError("cifar100 has the labels 'fine' and 'coarse'; got 'middle'."),
    );
    const from = folderOf(cifar10Forms['binary version']!);
    await expect(cifar100({ from, split: 'test' })).rejects.toThrow(/holds no CIFAR-100: /);
  });
});

describe('pickles that Python 3 saved again', () => {
  it.each([
    'numpy1-latin1-protocol-4',
    'numpy1-bytes-protocol-5',
    'numpy2-bytes-protocol-2',
    'numpy2-latin1-protocol-3',
    'numpy2-bytes-protocol-4',
    'numpy2-latin1-protocol-5',
    'numpy2-bytes-protocol-5',
  ])('%s', async (name) => {
    const from = folderOf({ test_batch: fixture(`cifar/resaved-${name}`) });
    expect(await contents(await cifar10({ from, split: 'test', partial: true }))).toEqual({
      labels: labels10.slice(0, 4),
      pixels: pixels(records10.subarray(0, 4 * 3073), 1),
    });
  });
});

describe('the order of the training set', () => {
  /** Image i of batch b has the label of data_batch_1 there, or (b + i) mod 10, and b as its pixels. */
  function batches(order: readonly number[]): Examples {
    const first = [6, 9, 9, 4, 1, 1, 2, 7, 8, 3];
    const images = new Uint8Array(50_000 * bytesPerImage);
    const labels = new Uint8Array(50_000);
    order.forEach((batch, place) => {
      images.fill(batch, place * 10_000 * bytesPerImage, (place + 1) * 10_000 * bytesPerImage);
      for (let i = 0; i < 10_000; i++) {
        labels[place * 10_000 + i] = batch === 1 && i < 10 ? first[i]! : (batch + i) % 10;
      }
    });
    return { count: 50_000, images, labels: [labels] };
  }

  it('of Hugging Face, whose batches lie as 4, 3, 2, 5, 1, becomes the official one', () => {
    const official = batches([1, 2, 3, 4, 5]);
    const ordered = inOfficialOrder(batches([4, 3, 2, 5, 1]));
    expect(Buffer.compare(ordered.images, official.images)).toBe(0);
    expect(Buffer.compare(ordered.labels[0]!, official.labels[0]!)).toBe(0);
    expect(inOfficialOrder(official)).toBe(official);
    const unknown = batches([2, 1, 3, 4, 5]);
    expect(inOfficialOrder(unknown)).toBe(unknown);
  });
});

describe('a folder', () => {
  const binary = cifar10Forms['binary version']!;
  const python = cifar10Forms['Python version']!;

  it('with several forms gives the binary version', async () => {
    const from = folderOf({ ...python, ...binary });
    const { form } = await cifar10({ from, split: 'test', partial: true });
    expect(form).toBe(`binary version, folder ${join(from, 'cifar-10-batches-bin')}`);
  });

  it('with an archive of the official name needs no unpacking', async () => {
    const from = folderOf({ 'cifar-10-python.tar.gz': await tarGzOf(python) });
    const source = await cifar10({ from, split: 'test', partial: true });
    expect(source.form).toBe(`Python version, archive ${join(from, 'cifar-10-python.tar.gz')}`);
    expect((await contents(source)).labels).toEqual(labels10);
  });

  it('with parquet files of several shards has them in their order', async () => {
    const [whole] = Object.values(cifar10Forms['Hugging Face parquet']!);
    const from = folderOf({
      'test-00001-of-00002.parquet': whole!,
      'test-00000-of-00002.parquet': whole!,
    });
    expect((await contents(await cifar10({ from, split: 'test', partial: true }))).labels).toEqual([
      ...labels10,
      ...labels10,
    ]);
    const half = folderOf({ 'test-00001-of-00002.parquet': whole! });
    await expect(cifar10({ from: half, split: 'test', partial: true })).rejects.toThrow(
      `${join(half, 'test-00000-of-00002.parquet')} is missing (Hugging Face parquet).`,
    );
  });
});

describe('a damaged archive', () => {
  const open = async (data: Uint8Array) => {
    const from = join(folderOf({ 'cifar-10-binary.tar.gz': data }), 'cifar-10-binary.tar.gz');
    return cifar10({ from, split: 'test', partial: true });
  };
  const files = cifar10Forms['binary version']!;

  it('is refused when its end is missing', async () => {
    const zipped = await tarGzOf(files);
    for (const length of [600, 20_000, zipped.length - 1]) {
      await expect(open(zipped.subarray(0, length))).rejects.toThrow(
        /cifar-10-binary\.tar\.gz is damaged or truncated: unexpected end of file\.$/,
      );
    }
    await expect(open((await tarOf(files)).subarray(0, 30_000))).rejects.toThrow(
      /is damaged or truncated: /,
    );
  });

  it('is refused when a byte of the compressed pixels is another', async () => {
    const zipped = Uint8Array.from(await tarGzOf(files));
    zipped[30_000]! ^= 1;
    await expect(open(zipped)).rejects.toThrow(/is damaged or truncated: /);
  });

  it('says what is missing in it', async () => {
    await expect(open(await tarGzOf({ 'data_batch_1.bin': records10 }))).rejects.toThrow(
      /^test_batch\.bin is missing in .*cifar-10-binary\.tar\.gz \(binary version\)\.$/,
    );
    await expect(open(await tarGzOf({ 'readme.html': 'hello' }))).rejects.toThrow(
      /cifar-10-binary\.tar\.gz holds no CIFAR-10: /,
    );
  });

  it('has no member read that declares too much', async () => {
    const tar = await tarOf({ 'test_batch.bin': records10 });
    // The size, in octal, and the checksum over the header.
    tar.write('77777777777\0', 124, 'latin1');
    tar.fill(' ', 148, 156);
    const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    await expect(open(tar)).rejects.toThrow('test_batch.bin would have 8,589,934,591 bytes');
  });

  it('is read by the tar of this machine too, so these are real ones', async () => {
    const folder = folderOf({ 'a.tar.gz': await tarGzOf(files) });
    const listed = execFileSync('tar', ['-tzf', join(folder, 'a.tar.gz')], { encoding: 'utf8' });
    expect(listed.trim()).toBe('cifar-10-batches-bin/test_batch.bin');
  });
});

describe('a parquet file', () => {
  it.each(['zstd', 'gzip', 'none'])('compressed with %s is read too', async (codec) => {
    const from = folderOf({
      'test-00000-of-00001.parquet': fixture(`cifar/hf-cifar10-test-4-${codec}.parquet`),
    });
    expect(await contents(await cifar10({ from, split: 'test', partial: true }))).toEqual({
      labels: labels10.slice(0, 4),
      pixels: pixels(records10.subarray(0, 4 * 3073), 1),
    });
  });
});

describe('a damaged parquet file', () => {
  const open = (data: Uint8Array) =>
    cifar10({
      from: folderOf({ 'test-00000-of-00001.parquet': data }),
      split: 'test',
      partial: true,
    });
  const png = (width: number, data = new Uint8Array(32 * 97)) => {
    const chunk = (type: string, body: Uint8Array) => {
      const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type), body, Buffer.alloc(4)]);
      bytes.writeUInt32BE(body.length);
      bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
      return bytes;
    };
    const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 32, 8, 2, 0, 0, 0]);
    header.writeUInt32BE(width);
    return Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      chunk('IHDR', header),
      chunk('IDAT', deflateSync(data)),
      chunk('IEND', new Uint8Array()),
    ]);
  };
  const file = (images: (Uint8Array | null)[], labels: bigint[]) =>
    new Uint8Array(
      parquetWriteBuffer({
        schema: [
          { name: 'root', num_children: 2 },
          { name: 'img', repetition_type: 'OPTIONAL', num_children: 2 },
          { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
          { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
          { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
        ],
        columnData: [
          { name: 'img', data: images.map((bytes) => ({ bytes, path: null })) },
          { name: 'label', data: labels },
        ],
      }),
    );

  it('is otherwise one that is read', async () => {
    const source = await open(file([png(32), png(32)], [1n, 2n]));
    expect((await contents(source)).labels).toEqual([1, 2]);
  });

  it.each([
    [
      'a label above 9',
      file([png(32)], [10n]),
      'record 0 (counted from 0) has the label 10, above 9',
    ],
    [
      'no label',
      file([png(32)], [null as unknown as bigint]),
      'has a label that is no whole number',
    ],
    [
      'the label -1 of an unlabelled set',
      file([png(32)], [-1n]),
      'has a label that is no whole number',
    ],
    [
      'another size',
      file([png(32), png(33)], [1n, 2n]),
      'the image of row 1 (counted from 0): it should be 32 × 32 RGB of 8 bits; it is 33 × 32',
    ],
    ['a huge size', file([png(2 ** 31)], [1n]), 'it is 2147483648 × 32'],
    ['too few pixels', file([png(32, new Uint8Array(96))], [1n]), 'the image of row 0'],
    ['no image', file([null], [1n]), 'the image of row 0 (counted from 0): there are no bytes'],
    ['no PNG', file([Buffer.alloc(100, 'GIF89a')], [1n]), 'it is no PNG'],
    ['a cut PNG', file([png(32).subarray(0, 60)], [1n]), 'the image of row 0'],
    [
      'no parquet',
      Buffer.from('PAR1PAR1'),
      'test-00000-of-00001.parquet is damaged or not CIFAR-10',
    ],
    ['CIFAR-100', fixture('cifar/hf-cifar100-test.parquet'), "it has no column 'label'"],
  ])('is refused for %s', async (_, data, message) => {
    await expect(open(data)).rejects.toThrow(message);
  });

  it('is refused when a byte of a PNG is another', async () => {
    const damaged = png(32);
    damaged[50]! ^= 1;
    await expect(open(file([damaged], [1n]))).rejects.toThrow('the image of row 0');
  });

  it('is refused when a row group has a column that its schema lacks', async () => {
    const renamed = Buffer.from(fixture('cifar/hf-cifar10-test.parquet'));
    renamed.write('lever', renamed.lastIndexOf('label'));
    renamed.write('lever', renamed.lastIndexOf('label'));
    await expect(open(renamed)).rejects.toThrow(/row group \d has the columns .*lever/);
  });

  it('is an error or other images, whatever bytes are others', async () => {
    const whole = fixture('cifar/hf-cifar10-test.parquet');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.nat(2 ** 17), fc.nat(255)), { minLength: 1 }),
        async (changes) => {
          const bytes = Uint8Array.from(whole);
          for (const [footer, at, byte] of changes) {
            bytes[footer ? bytes.length - 1 - (at % 16_000) : at % bytes.length] = byte;
          }
          const outcome = await Promise.resolve(decodeParquet(bytes, 'file', cifar10Variant)).then(
            ({ count, images }) => images.length === count * bytesPerImage,
            (error: Error) => error.message.startsWith('file is damaged or not CIFAR-10: '),
          );
          expect(outcome).toBe(true);
        },
      ),
    );
  });

  it('is refused when its end is missing', async () => {
    const whole = fixture('cifar/hf-cifar10-test.parquet');
    await expect(open(whole.subarray(0, whole.length - 100))).rejects.toThrow(
      /parquet is damaged or not CIFAR-10: /,
    );
  });
});

/** The checksum of PNG. */
function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
