import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import { preprocessing } from '@llr/datasets';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

const folder = new URL('fixtures/images/', import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, folder));
const landscape = fixture('landscape.jpg');
const png = fixture('png-named.JPEG');
const size = 32;

/** The same bytes with the one at `at` changed. */
function changed(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = byte;
  return copy;
}

/** The size a JPEG's frame header declares. */
function withSize(bytes: Uint8Array, width: number, height: number): Uint8Array {
  const copy = Buffer.from(bytes);
  const frame = copy.indexOf(Buffer.from([0xff, 0xc0, 0x00, 0x11]));
  copy.writeUInt16BE(height, frame + 5);
  copy.writeUInt16BE(width, frame + 7);
  return copy;
}

/** Without the segments of colour profiles (APP2). */
function withoutProfile(jpeg: Buffer): Buffer {
  const kept = [jpeg.subarray(0, 2)];
  let at = 2;
  while (jpeg[at + 1] !== 0xda) {
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (jpeg[at + 1] !== 0xe2) kept.push(jpeg.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...kept, jpeg.subarray(at)]);
}

/** With a Huffman table (DHT) that is none. */
function withoutTables(jpeg: Buffer): Buffer {
  const copy = Buffer.from(jpeg);
  const table = copy.indexOf(Buffer.from([0xff, 0xc4]));
  return copy.fill(0xee, table + 5, table + 21);
}

/** A PNG of 16 rows that has the pixels of 15, with every checksum right. */
function withoutLastRow(): Buffer {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    checksum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, checksum]);
  };
  const header = Buffer.from([0, 0, 0, 16, 0, 0, 0, 16, 8, 2, 0, 0, 0]);
  const rows = deflateSync(Buffer.alloc(15 * (1 + 16 * 3)));
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  const end = chunk('IEND', new Uint8Array(0));
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), end]);
}

const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 51, g: 102, b: 204 } } });

describe.each(['sharp', 'wasm'] as const)('Decoding with %s', (decoder) => {
  async function open() {
    const { preprocess } = await preprocessing({ name: 'torchvision', size, decoder });
    return async (bytes: Uint8Array) => {
      const values = new Float32Array(size * size * 3).fill(Number.NaN);
      await preprocess(bytes, values);
      return values;
    };
  }
  let evaluate: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    evaluate = await open();
  });

  it('doesn’t mind bytes after the image', async () => {
    const longer = Buffer.concat([landscape, Buffer.alloc(1000, 0xff), landscape]);
    expect(await evaluate(longer)).toEqual(await evaluate(landscape));
  });

  it('ignores an embedded colour profile', async () => {
    const tagged = await sharp(landscape).withIccProfile('p3').jpeg().toBuffer();
    const untagged = withoutProfile(tagged);
    expect(untagged.length).toBeLessThan(tagged.length);
    expect(await evaluate(tagged)).toEqual(await evaluate(untagged));
  });

  it('reads a part of a larger buffer', async () => {
    const larger = Buffer.concat([Buffer.from('before'), landscape, Buffer.from('after')]);
    const part = new Uint8Array(larger.buffer, larger.byteOffset + 6, landscape.length);
    expect(await evaluate(part)).toEqual(await evaluate(landscape));
  });

  it.each([
    [4288, 2848],
    [1, 1],
    [2, 700],
    [700, 2],
  ])('keeps a plain image of %d x %d plain', async (width, height) => {
    const values = await evaluate(await plain(width, height).png().toBuffer());
    const wanted = Float32Array.from(values, (_, i) => [51, 102, 204][i % 3]! / 255);
    expect(values).toEqual(wanted);
  });

  const thumbnail = Buffer.concat([
    landscape.subarray(0, 2),
    Buffer.from([0xff, 0xe1, 0x03, 0x02]),
    fixture('tiny.jpg').subarray(0, 768),
    landscape.subarray(2),
  ]);

  it('takes the image itself, not a thumbnail in its metadata', async () => {
    expect(await evaluate(thumbnail)).toEqual(await evaluate(landscape));
  });

  it.each([
    ['an empty file', new Uint8Array(0), 'the file is empty'],
    [
      'HTML',
      Buffer.from('\n<!DOCTYPE html><html>404'),
      'not a JPEG or PNG image but a page of HTML',
    ],
    ['zeros', new Uint8Array(5000), 'something that begins with the bytes 0000000000000000'],
    ['half a JPEG', landscape.subarray(0, landscape.length / 2), /premature end/i],
    [
      'half a progressive JPEG',
      fixture('portrait-progressive.jpg').subarray(0, 9000),
      /premature end/i,
    ],
    ['half a CMYK JPEG', fixture('cmyk.jpg').subarray(0, 3000), /is damaged or truncated: ./],
    ['a JPEG without its end', landscape.subarray(0, -2), /premature end/i],
    ['the first bytes of a JPEG', landscape.subarray(0, 100), 'before the header of its image'],
    ['the first bytes of a PNG', png.subarray(0, 20), 'the PNG is cut off within its header'],
    ['half a PNG', png.subarray(0, png.length / 2), /^the \w+ is damaged or truncated: ./],
    ['a PNG without its last row', withoutLastRow(), /is damaged or truncated: ./],
    [
      'a PNG with a wrong byte',
      changed(png, 2000, png[2000]! ^ 1),
      /^the \w+ is damaged or truncated: ./,
    ],
    [
      'too large a JPEG',
      withSize(landscape, 65000, 65000),
      'declares 65000 x 65000 pixels; at most',
    ],
    ['a JPEG without pixels', withSize(landscape, 500, 0), 'declares 500 x 0 pixels'],
    ['a JPEG with damaged tables', withoutTables(landscape), /Bogus Huffman table/],
  ])('refuses %s, and decodes the next', async (_, bytes, reason) => {
    await expect(evaluate(bytes)).rejects.toThrow(reason);
    const next = await evaluate(fixture('tiny.jpg'));
    expect(next.every((value) => value >= 0 && value <= 1)).toBe(true);
  });
});

describe('GIF', () => {
  it('is refused without sharp, with what to do', async () => {
    const { preprocess } = await preprocessing({ name: 'torchvision', decoder: 'wasm' });
    const bytes = fixture('gif-named.JPEG');
    await expect(preprocess(bytes, new Float32Array(224 * 224 * 3))).rejects.toThrow(
      'not a JPEG or PNG image but a GIF, which only sharp decodes: npm install sharp',
    );
  });
});

describe('preprocessing', () => {
  it('writes into a slot of shared memory, and nowhere else', async () => {
    const { preprocess, outputShape } = await preprocessing({ name: 'torchvision', size });
    expect(outputShape).toEqual([size, size, 3]);
    const n = size * size * 3;
    const ring = new Float32Array(new SharedArrayBuffer(3 * n * 4)).fill(-1);
    await preprocess(fixture('portrait-progressive.jpg'), ring.subarray(n, 2 * n));
    expect(ring.subarray(0, n).every((value) => value === -1)).toBe(true);
    expect(ring.subarray(n, 2 * n).every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(ring.subarray(2 * n).every((value) => value === -1)).toBe(true);
  });

  it('flips what it crops', async () => {
    const { preprocess, draws } = await preprocessing({ name: 'torchvision', size });
    const [left, right] = [0.9, 0.1].map(() => new Float32Array(size * size * 3)) as [
      Float32Array,
      Float32Array,
    ];
    const bytes = fixture('portrait-progressive.jpg');
    await preprocess(bytes, left, new Float64Array(draws).fill(0.3).fill(0.9, draws - 1));
    await preprocess(bytes, right, new Float64Array(draws).fill(0.3).fill(0.1, draws - 1));
    const mirrored = left.map((_, i) => {
      const [row, x, channel] = [
        Math.floor(i / (size * 3)),
        Math.floor(i / 3) % size,
        i % 3,
      ] as const;
      return left[(row * size + size - 1 - x) * 3 + channel]!;
    });
    expect(right).toEqual(mirrored);
    expect(right).not.toEqual(left);
  });

  it('leaves `into` as it was when the image is damaged', async () => {
    const { preprocess } = await preprocessing({ name: 'fbresnet', size });
    const values = new Float32Array(size * size * 3).fill(-1);
    const bytes = fixture('portrait-progressive.jpg').subarray(0, 9000);
    await expect(preprocess(bytes, values)).rejects.toThrow();
    expect(values.every((value) => value === -1)).toBe(true);
  });

  it('can be used for many images at once', async () => {
    const { preprocess } = await preprocessing({ name: 'robustbench-bicubic', size });
    const names = ['tiny.jpg', 'cmyk.jpg', 'grey.jpg', 'portrait-progressive.jpg'];
    const alone = names.map(() => new Float32Array(size * size * 3));
    for (const [i, name] of names.entries()) await preprocess(fixture(name), alone[i]!);
    const together = names.map(() => new Float32Array(size * size * 3));
    await Promise.all(names.map((name, i) => preprocess(fixture(name), together[i]!)));
    expect(together).toEqual(alone);
  });

  it.each([
    [{ name: 'inceptoin' }, 'there is no "inceptoin"; there are torchvision, robustbench-bicubic'],
    [{ name: 'toString' }, 'there is no "toString"'],
    [{ name: 'torchvision', size: 0 }, 'size is a whole number of pixels from 1; got 0.'],
    [{ name: 'torchvision', size: 2.5 }, 'got 2.5.'],
    [{ name: 'torchvision', decoder: 'jpeg' }, 'decoder is sharp or wasm; got "jpeg".'],
  ])('refuses %j', async (options, reason) => {
    await expect(preprocessing(options as never)).rejects.toThrow(reason);
  });

  it('refuses an output or draws of another length', async () => {
    const { preprocess, draws } = await preprocessing({ name: 'torchvision', size });
    const bytes = fixture('tiny.jpg');
    await expect(preprocess(bytes, new Float32Array(100))).rejects.toThrow(
      'preprocess: into must have 3072 numbers; it has 100.',
    );
    const values = new Float32Array(size * size * 3);
    await expect(preprocess(bytes, values, new Float64Array(draws + 1))).rejects.toThrow(
      `preprocess: draws must have ${draws} numbers; it has ${draws + 1}.`,
    );
    const wrong = new Float64Array(draws).fill(1);
    await expect(preprocess(bytes, values, wrong)).rejects.toThrow(
      'preprocess: draws are numbers in [0, 1); number 0 is 1.',
    );
  });
});

describe('Without sharp', () => {
  afterEach(() => {
    vi.doUnmock('sharp');
    vi.resetModules();
  });

  async function withoutSharp() {
    vi.resetModules();
    vi.doMock('sharp', () => {
      const error = new Error("Cannot find package 'sharp'");
      throw Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
    });
    return await import('../src/decoding/preprocessing.ts');
  }

  it('the other decoder is taken, with the same pixels', async () => {
    const bytes = fixture('portrait-progressive.jpg');
    const [here, there] = [0, 0].map(() => new Float32Array(size * size * 3)) as [
      Float32Array,
      Float32Array,
    ];
    const usual = await preprocessing({ name: 'torchvision', size });
    expect(usual.decoder).toBe('sharp');
    await usual.preprocess(bytes, here);
    const { preprocessing: again } = await withoutSharp();
    const other = await again({ name: 'torchvision', size });
    expect(other.decoder).toBe('wasm');
    await other.preprocess(bytes, there);
    expect(there).toEqual(here);
  });
});
