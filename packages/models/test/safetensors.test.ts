import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tensor, variable } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadWeights, saveWeights } from '../src/index.ts';
import { decodeSafetensors, encodeSafetensors } from '../src/weights/safetensors.ts';
import { withSafetensors } from '../src/weights/safetensors-file.ts';
import { fileOf, float32, safetensors } from './weights-fixture.ts';
import { weightsFolder } from './weights-folder.ts';

const { folder, file } = weightsFolder();

/** Everything in a file, read as weights are. */
const readAll = (path: string) =>
  withSafetensors(path, async (opened) => {
    const values = new Map<string, number[]>();
    for (const stored of opened.tensors.values()) {
      values.set(stored.name, Array.from(await opened.read(stored)));
    }
    return values;
  });
const readBytes = async (bytes: Uint8Array) => {
  await writeFile(file, bytes);
  return readAll(file);
};

const name = fc.oneof(
  fc.string({ minLength: 1 }).filter((text) => text !== '__metadata__'),
  fc.constantFrom('__proto__', 'constructor', 'toString', '0'),
);
const array = fc.record({ name, values: fc.float32Array() });
const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

describe('safetensors', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.uniqueArray(array, { selector: (one) => one.name }), (some) => {
        const arrays = some.map(({ name, values }) => ({
          name,
          values,
          shape: [1, values.length],
        }));
        const bytes = Buffer.concat(encodeSafetensors(arrays));
        const decoded = decodeSafetensors(bytes, 'file');
        expect([...decoded.values()].toSorted(byName)).toEqual(arrays.toSorted(byName));
      }),
    );
  });

  it('are read from a file as from memory, tensors larger than a piece too', async () => {
    const long = Float32Array.from({ length: 700_001 }, (_, i) => i / 3);
    const arrays = [
      float32('odd', [1, 2, 3]),
      float32('long', long),
      float32('empty', [], [0, 4]),
      float32('scalar', [7], []),
    ];
    const values = await readBytes(fileOf(arrays, { format: 'pt' }));
    expect([...values.keys()].toSorted()).toEqual(['empty', 'long', 'odd', 'scalar']);
    expect(values.get('odd')).toEqual([1, 2, 3]);
    expect(values.get('empty')).toEqual([]);
    expect(values.get('scalar')).toEqual([7]);
    expect(Buffer.compare(bytesOf(values.get('long')!), arrays[1]!.bytes)).toBe(0);
  });

  const bytesOf = (values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

  it('have the layout of the specification', () => {
    const bytes = Buffer.concat(
      encodeSafetensors([{ name: 'w', shape: [2], values: Float32Array.of(1, -2) }]),
    );
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    expect(JSON.parse(bytes.subarray(8, 8 + length).toString())).toEqual({
      w: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
    });
    expect(bytes.readFloatLE(8 + length)).toBe(1);
    expect(bytes.readFloatLE(12 + length)).toBe(-2);
  });

  // IEEE 754: zero, the smallest and largest subnormal, the smallest normal, 1, 1 + ulp, the largest, infinity.
  it.each([
    [
      'F16',
      [0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x3c01, 0xc000, 0x7bff, 0x7c00, 0xfc00],
      [0, -0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 1, 1 + 2 ** -10, -2, 65504, Infinity, -Infinity],
    ],
    [
      'BF16',
      [0x0000, 0x8000, 0x0001, 0x007f, 0x0080, 0x3f80, 0x3f81, 0xc000, 0x7f7f, 0x7f80, 0xff80],
      [
        0,
        -0,
        2 ** -133,
        127 * 2 ** -133,
        2 ** -126,
        1,
        1 + 2 ** -7,
        -2,
        255 * 2 ** 120,
        Infinity,
        -Infinity,
      ],
    ],
  ])('of %s are exact', async (dtype, patterns, expected) => {
    const bytes = new Uint8Array(Uint16Array.from([...patterns, 0x7fff]).buffer);
    const stored = { name: 'w', dtype, shape: [12], bytes };
    const values = await readBytes(fileOf([stored]));
    expect(values.get('w')).toEqual([...expected, Number.NaN]);
    expect(Array.from(decodeSafetensors(await readFile(file), file).get('w')!.values)).toEqual(
      values.get('w'),
    );
  });

  it('of F64 are rounded to float32', async () => {
    const doubles = [0.1, -1e-300, 16777217, 3.4028234663852886e38, 1e300];
    const bytes = new Uint8Array(Float64Array.from(doubles).buffer);
    const values = await readBytes(fileOf([{ name: 'w', dtype: 'F64', shape: [5], bytes }]));
    expect(values.get('w')).toEqual(doubles.map(Math.fround));
  });
});

describe('a broken file', () => {
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const data = new Uint8Array(8);
  const headerOf = (length: bigint) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(length);
    return bytes;
  };
  it.each([
    ['empty', Buffer.alloc(0), 'is no safetensors file: it has only 0 bytes'],
    ['too short', Buffer.from('abc'), 'is no safetensors file: it has only 3 bytes'],
    ['cut off in the header', safetensors({ w: entry }).subarray(0, 20), 'is it cut off?'],
    ['a header of 2^63 bytes', headerOf(2n ** 63n), 'limit is 100000000'],
    ['a header of 100 MB and a byte', headerOf(100_000_001n), 'limit is 100000000'],
    ['a header of 99 MB', headerOf(99_000_000n), 'but the file has 16 in all'],
    ['no JSON', safetensors('{"w":'), 'its header is not JSON'],
    ['no UTF-8', safetensors('{}').fill(0xff, 8), 'its header is not JSON'],
    ['no object', safetensors('null'), 'its header is not an object'],
    ['a list', safetensors('[]'), 'its header is not an object'],
    ['cut off in the data', safetensors({ w: entry }, data.subarray(1)), 'should end at byte 8'],
    ['longer than it says', safetensors({ w: entry }, new Uint8Array(9)), 'end at byte 8 of the'],
    ['an unknown dtype', safetensors({ w: { ...entry, dtype: 'F7' } }, data), 'unknown dtype "F7"'],
    ['no dtype', safetensors({ w: { ...entry, dtype: {} } }, data), 'unknown dtype {}'],
    ['an empty entry', safetensors({ w: null }), 'w has no dtype, shape and data_offsets'],
    ['no shape', safetensors({ w: { dtype: 'F32' } }), 'w has a shape that is no list of whole'],
    [
      'a negative shape',
      safetensors({ w: { ...entry, shape: [-1, -2] } }, data),
      'a shape that is no list',
    ],
    ['half a row', safetensors({ w: { ...entry, shape: [0.5, 4] } }, data), 'a shape that is no'],
    [
      'a shape of another size',
      safetensors({ w: { ...entry, shape: [3] } }, data),
      'w [3] of F32 needs 12 bytes',
    ],
    [
      'more numbers than there are',
      safetensors({ w: { ...entry, shape: [2 ** 30, 2 ** 30] } }, data),
      'too large',
    ],
    [
      'a terabyte',
      safetensors({ w: { ...entry, shape: [2 ** 38], data_offsets: [0, 2 ** 40] } }, data),
      'should end at byte 1099511627776',
    ],
    [
      'a negative offset',
      safetensors({ w: { ...entry, data_offsets: [-8, 0] } }, data),
      'data_offsets that are not two whole numbers',
    ],
    [
      'three offsets',
      safetensors({ w: { ...entry, data_offsets: [0, 8, 8] } }, data),
      'data_offsets that are not two whole numbers',
    ],
    [
      'tensors that overlap',
      safetensors({ w: entry, v: { ...entry, data_offsets: [4, 12] } }, new Uint8Array(12)),
      'the tensor v should begin at byte 8',
    ],
    [
      'one tensor under two names',
      safetensors({ w: entry, v: entry }, data),
      'the tensor v should begin at byte 8',
    ],
    [
      'a hole',
      safetensors({ w: entry, v: { ...entry, data_offsets: [12, 20] } }, new Uint8Array(20)),
      'the tensor v should begin at byte 8',
    ],
    [
      'a name twice',
      safetensors(
        '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        data,
      ),
      'the tensor w should begin at byte 0',
    ],
  ])('is refused: %s', async (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes, 'broken.safetensors')).toThrow(message);
    expect(() => decodeSafetensors(bytes, 'broken.safetensors')).toThrow('broken.safetensors');
    await expect(readBytes(bytes)).rejects.toThrow(message);
    await expect(readBytes(bytes)).rejects.toThrow(file);
  });

  it.each([
    ['a zip archive, as PyTorch', 'PK\x03\x04\x00\x00\x08\x08\x00\x00'],
    ['a Python pickle, as PyTorch', '\x80\x02\x8a\nl\xfc\x9cF\xf9 j'],
    ['an HDF5 file', '\x89HDF\r\n\x1a\n\x00'],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid'],
  ])('is refused: %s', async (message, start) => {
    await expect(readBytes(Buffer.from(start, 'latin1'))).rejects.toThrow(`${file} is ${message}`);
    if (!start.startsWith('version'))
      await expect(readAll(file)).rejects.toThrow('docs/weights.md');
  });

  it.each([0x80, 0x280])('is no pickle for a header of %i bytes', async (length) => {
    const json = JSON.stringify({ w: entry }).padEnd(length);
    expect((await readBytes(safetensors(json, data))).get('w')).toEqual([0, 0]);
  });

  it('is one that is missing, or a folder', async () => {
    await expect(readAll(join(folder, 'none'))).rejects.toThrow(/ENOENT.*none/);
    await expect(readAll(folder)).rejects.toThrow(`${folder} is no file`);
  });

  it('is refused wherever it is cut off, and leaves the weights as they were', async () => {
    const model = {
      name: 'mine',
      parameters: [
        { name: 'a', variable: variable(tensor([1, 2, 3])), decay: true },
        { name: 'b', variable: variable(tensor([[4, 5]])), decay: true },
      ],
    };
    const values = () => model.parameters.map(({ variable }) => Array.from(variable.dataSync()));
    await saveWeights(model, file);
    const whole = await readFile(file);
    for (const { variable } of model.parameters)
      variable.assign(tensor(variable.shape.length === 1 ? [0, 0, 0] : [[0, 0]]));
    const before = values();
    for (let length = 0; length < whole.length; length++) {
      await writeFile(file, whole);
      await truncate(file, length);
      await expect(loadWeights(model, file), `${length}`).rejects.toThrow(file);
    }
    expect(values()).toEqual(before);
    await writeFile(file, whole);
    await loadWeights(model, file);
    expect(values()).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('is an error with its name, whatever its bytes are', async () => {
    const good = fileOf([float32('a', [1, 2, 3]), float32('b', [4, 5], [1, 2])], { format: 'pt' });
    const corrupted = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = Uint8Array.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    const headers = fc
      .tuple(fc.jsonValue(), fc.uint8Array())
      .map(([header, data]) => safetensors(JSON.stringify(header), data));
    const entries = fc
      .tuple(
        fc.dictionary(
          name,
          fc.record({
            dtype: fc.constantFrom('F32', 'F16', 'I64', 'F4', 7),
            shape: fc.array(fc.oneof(fc.nat(3), fc.maxSafeInteger(), fc.double())),
            data_offsets: fc.array(fc.oneof(fc.nat(40), fc.maxSafeInteger()), { maxLength: 3 }),
          }),
        ),
        fc.uint8Array(),
      )
      .map(([header, data]) => safetensors(JSON.stringify(header), data));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(corrupted, headers, entries, fc.uint8Array({ maxLength: 64 })),
        async (bytes) => {
          await writeFile(file, bytes);
          const error = await withSafetensors(file, async ({ tensors, read }) => {
            // What passes is a file whose tensors are all there.
            const total = [...tensors.values()].reduce((sum, { range: [a, b] }) => sum + b - a, 0);
            expect(total).toBeLessThanOrEqual(bytes.length);
            for (const stored of tensors.values()) {
              if (stored.dtype === 'F32') await read(stored);
            }
          }).catch((thrown: unknown) => thrown);
          if (error === undefined) return;
          expect(error).toBeInstanceOf(Error);
          expect((error as Error).message).toContain(file);
        },
      ),
      { numRuns: 500 },
    );
  });
});
