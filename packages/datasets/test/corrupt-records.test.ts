import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crc32c, maskedCrc32c } from '../src/records/crc32c.ts';
import { FileBytes } from '../src/records/file-bytes.ts';
import { parquetRecords } from '../src/records/parquet.ts';
import { tarMembers } from '../src/records/tar.ts';
import { featuresOf } from '../src/records/tf-example.ts';
import { indexTFRecords } from '../src/records/tfrecord.ts';
import { indexWebDataset } from '../src/records/webdataset.ts';
import { crc32c as crc32cByBits } from './crc32c-oracle.ts';
import {
  example,
  field,
  type Member,
  parquet,
  slimExample,
  tar,
  tarHeader,
  tfRecords,
  varint,
  webDataset,
} from './forms.ts';
import { temporaryFolder } from './temporary-folder.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  path = folder.at('damaged');
});

afterAll(() => folder[Symbol.asyncDispose]());

function put(bytes: Uint8Array): FileBytes {
  writeFileSync(path, bytes);
  return new FileBytes(path);
}

function membersOf(bytes: Uint8Array) {
  using file = put(bytes);
  return [...tarMembers(file)];
}

const classNames = ['a', 'b', 'c'];
const image = (size: number) => Buffer.alloc(size, 'image');
const samples = [
  { name: 'x1.JPEG', bytes: image(700), label: 2 },
  { name: 'x2.JPEG', bytes: image(5), label: 0 },
  { name: 'x3.JPEG', bytes: image(512), label: 1 },
];
const valid = {
  tar: webDataset(samples),
  tfrecord: tfRecords(samples.map((sample) => slimExample(sample))),
  parquet: parquet(samples, 2),
};

/** A few bytes changed, or the end cut off, or bytes put in or taken away. */
const damage = (bytes: Uint8Array) =>
  fc.oneof(
    fc.integer({ min: 0, max: bytes.length - 1 }).map((end) => bytes.subarray(0, end)),
    fc
      .array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map((changes) => {
        const damaged = Uint8Array.from(bytes);
        for (const [at, byte] of changes) damaged[at] = byte;
        return damaged;
      }),
    fc
      .tuple(fc.nat(bytes.length - 1), fc.nat(600), fc.uint8Array({ maxLength: 600 }))
      .map(([at, taken, put]) =>
        Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + taken)]),
      ),
  );

/** What is thrown names the file and the byte; what is not thrown lies within the file. */
async function readsOrExplains(
  bytes: Uint8Array,
  index: (path: string) => Promise<{ size: number; offset: Float64Array; length: Uint32Array }>,
): Promise<void> {
  writeFileSync(path, bytes);
  let records: Awaited<ReturnType<typeof index>>;
  try {
    records = await index(path);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(/damaged, byte \d+: /);
    return;
  }
  for (let i = 0; i < records.size; i++) {
    expect(records.offset[i]! + records.length[i]!).toBeLessThanOrEqual(bytes.length);
  }
}

describe('tar', () => {
  test('any damage is explained', async () => {
    await fc.assert(
      fc.asyncProperty(damage(valid.tar), (bytes) =>
        readsOrExplains(bytes, (file) => indexWebDataset([file], classNames)),
      ),
      { numRuns: 300 },
    );
  });

  test('whatever files there are, their names, places and sizes are found', () => {
    const name = fc.stringMatching(/^[a-zäß日]{1,20}$/);
    const member = fc.record({ name, bytes: fc.uint8Array({ maxLength: 1300 }) });
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), (members) => {
        const bytes = tar(members);
        const found = membersOf(bytes).map(({ name, offset, size }) => ({
          name,
          bytes: Uint8Array.from(bytes.subarray(offset, offset + size)),
        }));
        expect(found).toEqual(members);
      }),
      { numRuns: 100 },
    );
  });

  test('a size in base 256 of more than 8 GB is checked against the file', () => {
    const header = tarHeader({ name: 'a.jpg', size: 9e9, sizeAs: 'binary' });
    expect(() => membersOf(Buffer.concat([header, Buffer.alloc(1024)]))).toThrow(
      /damaged, byte 0: a.jpg should have 9000000000 bytes, but the tar ends after 1024/,
    );
    const small: Member = { name: 'a.jpg', bytes: image(3), sizeAs: 'binary' };
    expect(membersOf(tar([small]))).toEqual([{ name: 'a.jpg', offset: 512, size: 3 }]);
  });

  test('a tar that ends between two members was cut short', () => {
    const whole = tar([
      { name: 'a.jpg', bytes: image(512) },
      { name: 'b.jpg', bytes: image(512) },
    ]);
    expect(membersOf(whole)).toHaveLength(2);
    expect(() => membersOf(whole.subarray(0, 1024))).toThrow(/byte 1024: .* without its end mark/);
  });

  test('folders, links and devices are passed over, and sparse members refused', () => {
    const others = ['1', '2', '3', '4', '5', '6'].map((type) => ({
      name: `t${type}`,
      type,
      size: 9,
    }));
    const members = [
      ...others,
      { name: 'folder/', bytes: image(0) },
      { name: 'last', bytes: image(1) },
    ];
    expect(membersOf(tar(members)).map(({ name }) => name)).toEqual(['last']);
    expect(() => membersOf(tar([{ name: 's', type: 'S' }]))).toThrow(/byte 0: s is a sparse/);
    const pax = (text: string) => tar([{ name: 'p', type: 'x', bytes: Buffer.from(text) }]);
    expect(() => membersOf(pax('22 GNU.sparse.size=10\n'))).toThrow(/byte 512: .*sparse/);
    expect(() => membersOf(pax('99 path=x\n'))).toThrow(/byte 512: this pax header is damaged/);
  });

  test('a pax header overrides the name and size of one member', () => {
    const records = '15 path=ä/b.c\n9 size=5\n';
    const bytes = tar([
      { name: 'p', type: 'x', bytes: Buffer.from(records) },
      { name: 'other', bytes: image(5), size: 0 },
      { name: 'next', bytes: image(1) },
    ]);
    expect(membersOf(bytes).map(({ name, size }) => [name, size])).toEqual([
      ['ä/b.c', 5],
      ['next', 1],
    ]);
  });
});

describe('TFRecord', () => {
  test('any damage is explained', async () => {
    await fc.assert(
      fc.asyncProperty(damage(valid.tfrecord), (bytes) =>
        readsOrExplains(bytes, (file) => indexTFRecords([file], classNames)),
      ),
      { numRuns: 300 },
    );
  });

  test('any damage within a payload, checksums right, is explained', async () => {
    await fc.assert(
      fc.asyncProperty(damage(slimExample(samples[0]!)), (payload) =>
        readsOrExplains(tfRecords([payload]), (file) => indexTFRecords([file], classNames)),
      ),
      { numRuns: 300 },
    );
  });

  test('the features of an Example are found in place, those with several values left out', () => {
    const several = field(
      1,
      Buffer.concat([
        field(1, Buffer.from('k')),
        field(2, field(3, field(1, Buffer.from([1, 2])))),
      ]),
    );
    const unpacked = field(
      1,
      Buffer.concat([
        field(1, Buffer.from('u')),
        field(2, field(3, Buffer.concat([Buffer.from([8]), varint(300)]))),
      ]),
    );
    const negative = field(
      1,
      Buffer.concat([
        field(1, Buffer.from('n')),
        field(2, field(3, field(1, Buffer.from([...new Uint8Array(9).fill(0xff), 1])))),
      ]),
    );
    const bytes = Buffer.concat([
      example({ text: 'words', number: 2 ** 40 + 3 }),
      field(1, Buffer.concat([several, unpacked, negative])),
    ]);
    using file = put(bytes);
    const features = featuresOf(file, 0, bytes.length);
    const text = features.get('text')!.bytes!;
    expect(bytes.toString('utf8', text.offset, text.offset + text.length)).toBe('words');
    expect(features.get('number')).toEqual({ integer: 2 ** 40 + 3 });
    expect(features.get('k')).toEqual({});
    expect(features.get('u')).toEqual({ integer: 300 });
    expect(features.get('n')).toEqual({ integer: -1 });
  });

  test('a length that says more than the file has is refused before anything is allocated', async () => {
    const header = Buffer.alloc(12);
    header.writeBigUInt64LE(2n ** 63n);
    header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8);
    writeFileSync(path, header);
    await expect(indexTFRecords([path], classNames)).rejects.toThrow(
      /damaged, byte 12: a record should have 9223372036854776000 bytes, but the file ends at 12/,
    );
  });
});

test('a parquet file that was cut short is explained, wherever it was cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(valid.parquet.length - 1), async (end) => {
      writeFileSync(path, valid.parquet.subarray(0, end));
      await expect(parquetRecords([path], classNames)).rejects.toThrow(
        `${path}: this parquet file can't be read`,
      );
    }),
  );
});

test('a row group that should lie outside of its file is refused before it is read', async () => {
  const whole = parquet([{ name: 'x.JPEG', bytes: randomBytes(20_000), label: 0 }], 1);
  const footer = whole.readUInt32LE(whole.length - 8) + 8;
  const shorter = Buffer.concat([whole.subarray(0, 8), whole.subarray(-footer)]);
  writeFileSync(path, shorter);
  await expect(parquetRecords([path], classNames)).rejects.toThrow(
    /damaged, row group 0: its bytes \d+ to \d+ should lie in a file of \d+: damaged/,
  );
});

test('CRC-32C is that of RFC 3720, and of its definition bit by bit', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(crc32c(bytes)).toBe(crc32cByBits(bytes));
    }),
  );
});
