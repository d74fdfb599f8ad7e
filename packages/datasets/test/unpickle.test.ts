import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePython } from '../src/cifar/python.ts';
import { type ArrayBox, unpickle } from '../src/cifar/unpickle.ts';
import { cifar10Variant } from '../src/cifar/variants.ts';
import { fixture } from './cifar-files.ts';

const ascii = (text: string) => [...Buffer.from(text, 'latin1')];
const u32 = (value: number) => [...new Uint8Array(new Uint32Array([value]).buffer)];

/** A pickle of protocol 2 with these opcodes. */
const pickle = (...parts: (string | number | number[])[]) =>
  Uint8Array.from([
    0x80,
    2,
    ...parts.flatMap((part) => (typeof part === 'string' ? ascii(part) : part)),
  ]);

describe('what Python 2 wrote', () => {
  it('is a dict with an array of bytes, viewed where it lies', () => {
    const bytes = fixture('cifar/python2-cifar10-test_batch');
    const batch = unpickle(bytes) as Map<string, unknown>;
    expect([...batch.keys()].sort()).toEqual(['batch_label', 'data', 'filenames', 'labels']);
    const { value } = batch.get('data') as ArrayBox;
    expect(value).toMatchObject({ type: 'u1', shape: [20, 3072] });
    expect(value!.data.buffer).toBe(bytes.buffer);
    expect((batch.get('filenames') as unknown[]).map(String)).toHaveLength(20);
  });
});

describe('values', () => {
  it.each([
    ['None', pickle('N.'), null],
    ['True', pickle('\x88.'), true],
    ['255', pickle('K\xff.'), 255],
    ['65535', pickle('M\xff\xff.'), 65535],
    ['-2', pickle('J\xfe\xff\xff\xff.'), -2],
    ['LONG1 of -2', pickle('\x8a\x01\xfe.'), -2],
    ['LONG1 of 2 ** 40', pickle('\x8a\x06\0\0\0\0\0\x01.'), 2 ** 40],
    ['LONG1 of 0', pickle('\x8a\0.'), 0],
    ['text', pickle('X\x02\0\0\0\xc3\xa9.'), 'é'],
    ['a tuple', pickle('K\x01K\x02\x86.'), [1, 2]],
    ['a list', pickle('](K\x01K\x02e.'), [1, 2]],
    ['a dict', pickle('}U\x01aK\x01s.'), new Map([['a', 1]])],
    ['something remembered', pickle('K\x07q\x05h\x05\x86.'), [7, 7]],
    [
      'encoded text',
      pickle('c_codecs\nencode\n', 'X\x02\0\0\0\xc3\xa9X\x06\0\0\0latin1\x86R.'),
      Buffer.from([0xe9]),
    ],
  ])('%s', (_, bytes, value) => {
    expect(unpickle(bytes)).toEqual(value);
  });
});

describe('a pickle that wants to run something', () => {
  it.each([
    ['os.system', pickle('cos\nsystem\n', 'X\x02\0\0\0ls\x85R.')],
    ['builtins.eval', pickle('cbuiltins\neval\n', 'X\x01\0\0\x001\x85R.')],
    ['numpy.core.multiarray.scalar', pickle('cnumpy.core.multiarray\nscalar\n.')],
    [
      'posix.system',
      Uint8Array.from([
        0x80,
        4,
        0x8c,
        5,
        ...ascii('posix'),
        0x8c,
        6,
        ...ascii('system'),
        0x93,
        0x2e,
      ]),
    ],
    ['numpy.f2py.crackfortran.getlincoef', pickle('cnumpy.f2py.crackfortran\ngetlincoef\n.')],
  ])('is refused with the name: %s', (name, bytes) => {
    expect(() => unpickle(bytes)).toThrow(
      `it asks for "${name}", which is not needed for CIFAR and is not run`,
    );
    expect(() => decodePython(bytes, 'test_batch', cifar10Variant)).toThrow(
      `test_batch is damaged or not a batch of CIFAR-10: at byte`,
    );
  });

  it.each([
    ['INST', pickle('(ios\nsystem\n.'), '0x69'],
    ['OBJ', pickle('(cnumpy\ndtype\no.'), '0x6f'],
    ['NEWOBJ', pickle('cnumpy\ndtype\n)\x81.'), '0x81'],
    ['EXT1', pickle('\x82\x01.'), '0x82'],
    ['PERSID', pickle('Pid\n.'), '0x50'],
  ])('is refused for the opcode %s', (_, bytes, code) => {
    expect(() => unpickle(bytes)).toThrow(
      `the opcode ${code}, which the files of CIFAR never need`,
    );
  });

  it('is refused when a known name is not used as numpy does', () => {
    expect(() => unpickle(pickle('cnumpy\nndarray\n', ')R.'))).toThrow('numpy.ndarray is called');
    expect(() => unpickle(pickle('K\x01)R.'))).toThrow('something is called that is no function');
    expect(() => unpickle(pickle('}}b.'))).toThrow('something is filled that is no numpy array');
  });
});

describe('sizes', () => {
  it.each([
    ['BINSTRING', pickle('T', u32(0xffffffff), 'abc')],
    ['BINUNICODE', pickle('X', u32(0x7fffffff), 'abc')],
    ['BINBYTES8', pickle('\x8e', u32(0xffffffff), u32(0xffffffff))],
    ['BYTEARRAY8', pickle('\x96', u32(0), u32(1))],
    ['an end before STOP', pickle('K\x01')],
  ])('beyond the end are an error: %s', (_, bytes) => {
    expect(() => unpickle(bytes)).toThrow(/^it ends too early: /);
  });

  it('of an array must be those of its bytes', () => {
    const array = (shape: string, data: string) =>
      pickle(
        'cnumpy.core.multiarray\n_reconstruct\n',
        'cnumpy\nndarray\nK\0\x85U\x01b\x87R',
        `(K\x01${shape}cnumpy\ndtype\nU\x02u1K\0K\x01\x87R\x89U${String.fromCharCode(data.length)}${data}tb.`,
      );
    expect(unpickle(array('K\x02K\x03\x86', 'abcdef'))).toMatchObject({
      value: { type: 'u1', shape: [2, 3] },
    });
    for (const shape of [
      'K\x02K\x04\x86',
      'J\xff\xff\xff\xffJ\xfa\xff\xff\xff\x86',
      'K\x06N\x86',
    ]) {
      expect(() => unpickle(array(shape, 'abcdef'))).toThrow(
        /a numpy array of shape \[.*\] and type u1 with 6 bytes/,
      );
    }
  });

  it('cannot be multiplied by encoding a text again and again', () => {
    const text = 'x'.repeat(200);
    const encode = 'h\x02h\0h\x01\x86R';
    const bytes = pickle(
      'X',
      u32(text.length),
      text,
      'q\0',
      'X',
      u32(6),
      'latin1',
      'q\x01',
      'c_codecs\nencode\n',
      'q\x02',
      encode.repeat(100),
      '.',
    );
    expect(() => unpickle(bytes)).toThrow('the same text is encoded again and again');
  });

  it('of a pickle are limited to a million steps', () => {
    const bytes = new Uint8Array(3_000_000).fill(0x4e);
    bytes.set([0x80, 2]);
    expect(() => unpickle(bytes)).toThrow('it has more than 1,000,000 steps');
  });
});

describe('a damaged pickle is always an error or another batch, soon and without much memory', () => {
  const whole = Uint8Array.from(fixture('cifar/resaved-numpy2-bytes-protocol-4'));
  const python2 = Uint8Array.from(fixture('cifar/python2-cifar10-test_batch')).subarray(0, 2 ** 16);
  const attempt = (bytes: Uint8Array) => {
    const before = process.memoryUsage().arrayBuffers;
    const started = process.cpuUsage();
    try {
      const { images, count } = decodePython(bytes, 'test_batch', cifar10Variant);
      expect(images.length).toBe(count * 3072);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toMatch(/^test_batch is damaged or not a?/);
    }
    // In CPU time: a busy machine keeps a test waiting.
    expect(process.cpuUsage(started).user).toBeLessThan(2e6);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  };
  const opcodes = [
    ...new Set([
      ...'.(0N\x88\x89KMJ\x8aUCTB\x8e\x96\x8cX])}\x85\x86\x87ltaesuqr\x94hjc\x93Rb\x95\x80',
    ]),
  ].map((code) => code.charCodeAt(0));

  it('cut anywhere', () => {
    fc.assert(
      fc.property(fc.constantFrom(whole, python2), fc.nat(2 ** 16), (bytes, length) =>
        attempt(bytes.subarray(0, length % bytes.length)),
      ),
    );
  });

  it('with other bytes', () => {
    const structure = fc.oneof(fc.nat(200), fc.nat(2 ** 16));
    fc.assert(
      fc.property(
        fc.constantFrom(whole, python2),
        fc.array(fc.tuple(structure, fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (bytes, changes) => {
          const changed = Uint8Array.from(bytes);
          for (const [at, byte] of changes) {
            // Most of a file is pixels: its two ends are where it can go wrong.
            changed[at < 200 ? at : changed.length - 1 - (at % 400)] = byte;
          }
          attempt(changed);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of opcodes at random', () => {
    const part = fc.oneof(
      fc.constantFrom(...opcodes).map((code) => [code]),
      fc.uint8Array({ maxLength: 6 }).map((bytes) => [...bytes]),
      fc
        .constantFrom(
          'cnumpy\ndtype\n',
          'cnumpy\nndarray\n',
          'c_codecs\nencode\n',
          'cnumpy.core.multiarray\n_reconstruct\n',
          'cnumpy.core.numeric\n_frombuffer\n',
        )
        .map(ascii),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) =>
        attempt(Uint8Array.from([0x80, 2, ...parts.flat()])),
      ),
      { numRuns: 3000 },
    );
  });
});
