/**
 * Python objects without Python: reads a pickle of dicts, lists, tuples, strings, numbers and numpy arrays
 * (protocol 2 as Python 2 wrote it, 2 to 5 as Python 3 writes it).
 *
 * A pickle is a program for a stack machine, and may ask for any function by name. Here only the few names
 * that make a numpy array are known, each with its meaning written below, so no code of the file's choosing
 * ever runs. Strings are views of the file and every object costs at least a byte of it, so what is made
 * stays within a small multiple of the file's size, whatever the lengths it declares; and a pickle of more
 * than a million steps is refused (CIFAR-100's training set has 200,000).
 */

/** A numpy array, its numbers as they lie in memory (in C order). */
export interface NumpyArray {
  /** numpy's name for the type, such as `'u1'`. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Byte strings are `Uint8Array`s; the keys of a dict are text, whichever kind of string they were. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Pickled[]
  | Map<string, Pickled>
  | ArrayBox
  | Dtype
  | Global;

/** A numpy array; still empty between the pickle's making it and filling it. */
export class ArrayBox {
  value: NumpyArray | undefined;
}

class Dtype {
  readonly type: string;
  constructor(type: string) {
    this.type = type;
  }
}

class Global {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** The names a pickle may use; numpy 2 moved two of them to `numpy._core`. */
const known = [
  'numpy.ndarray',
  'numpy.dtype',
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray._reconstruct',
  'numpy.core.numeric._frombuffer',
  'numpy._core.numeric._frombuffer',
  '_codecs.encode',
];

const longestName = 256;

const mostSteps = 1_000_000;

/** Where the values since the last mark begin. */
const mark = Symbol('mark');

/**
 * Reads a pickle.
 *
 * @param bytes - the whole file; byte strings in the result are views of it
 * @throws an error that says what is wrong, and at which byte: a name that is not one of the few needed for
 *   numpy arrays, an unknown opcode, a size beyond the end of the file
 */
export function unpickle(bytes: Uint8Array): Pickled {
  return new Unpickler(bytes).run();
}

class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stack: (Pickled | typeof mark)[] = [];
  readonly #memo = new Map<number, Pickled>();
  #at = 0;
  /** What decoding text may still take: as much as the file has, so that repeating can't multiply it. */
  #encodable: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#encodable = bytes.length;
  }

  run(): Pickled {
    if (this.#bytes[0] !== 0x80) throw new Error('it is no pickle of protocol 2 or later');
    for (let steps = 0; steps < mostSteps; steps++) {
      const at = this.#at;
      const opcode = this.#take(1)[0]!;
      if (opcode === 0x2e /* STOP */) return this.#pop();
      try {
        this.#step(opcode);
      } catch (cause) {
        if (cause instanceof At) throw cause;
        throw new At(`at byte ${at.toLocaleString('en')}: ${(cause as Error).message}`);
      }
    }
    throw new Error(`it has more than ${mostSteps.toLocaleString('en')} steps`);
  }

  /** One opcode; the names are those of Python's pickletools. */
  #step(opcode: number): void {
    const value = this.#value(opcode);
    if (value !== undefined) this.#stack.push(value);
    else this.#act(opcode);
  }

  /** The opcodes that put something on the stack. */
  #value(opcode: number): Pickled | undefined {
    switch (opcode) {
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x4b: // BININT1
        return this.#uint(1);
      case 0x4d: // BININT2
        return this.#uint(2);
      case 0x4a: // BININT
        return this.#uint(4) | 0;
      case 0x8a: // LONG1
        return this.#long(this.#uint(1));
      case 0x55: // SHORT_BINSTRING
      case 0x43: // SHORT_BINBYTES
        return this.#take(this.#uint(1));
      case 0x54: // BINSTRING
      case 0x42: // BINBYTES
        return this.#take(this.#uint(4));
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#take(this.#uint8());
      case 0x8c: // SHORT_BINUNICODE
        return text(this.#take(this.#uint(1)));
      case 0x58: // BINUNICODE
        return text(this.#take(this.#uint(4)));
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return [];
      case 0x7d: // EMPTY_DICT
        return new Map();
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#popMany(opcode - 0x84);
      case 0x74: // TUPLE
        return this.#popToMark();
      case 0x68: // BINGET
        return this.#remembered(this.#uint(1));
      case 0x6a: // LONG_BINGET
        return this.#remembered(this.#uint(4));
      case 0x63: // GLOBAL
        return global(this.#line(), this.#line());
      case 0x93: {
        const [module, name] = this.#popMany(2);
        return global(module, name);
      }
      case 0x52: {
        const [called, given] = this.#popMany(2);
        return this.#call(called!, given!);
      }
      default:
        return undefined;
    }
  }

  /** The others. */
  #act(opcode: number): void {
    switch (opcode) {
      case 0x80: {
        const protocol = this.#uint(1);
        if (protocol < 2 || protocol > 5) throw new Error(`protocol ${protocol} is unknown`);
        break;
      }
      case 0x95: // FRAME
        this.#take(8);
        break;
      case 0x28: // MARK
        this.#stack.push(mark);
        break;
      case 0x61: // APPEND
        this.#append([this.#pop()]);
        break;
      case 0x65: // APPENDS
        this.#append(this.#popToMark());
        break;
      case 0x73: // SETITEM
        this.#setItems(this.#popMany(2));
        break;
      case 0x75: // SETITEMS
        this.#setItems(this.#popToMark());
        break;
      case 0x71: // BINPUT
        this.#memo.set(this.#uint(1), this.#top());
        break;
      case 0x72: // LONG_BINPUT
        this.#memo.set(this.#uint(4), this.#top());
        break;
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, this.#top());
        break;
      case 0x62: {
        const state = this.#pop();
        build(this.#top(), state);
        break;
      }
      default:
        throw new Error(
          `the opcode 0x${opcode.toString(16).padStart(2, '0')}, which the files of CIFAR never need`,
        );
    }
  }

  #take(length: number): Uint8Array {
    const start = this.#at;
    if (length > this.#bytes.length - start) {
      throw new At(
        `it ends too early: ${length.toLocaleString('en')} bytes are announced at byte ${start.toLocaleString('en')}, ${(this.#bytes.length - start).toLocaleString('en')} are left`,
      );
    }
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  #uint(size: 1 | 2 | 4): number {
    const start = this.#at;
    this.#take(size);
    if (size === 1) return this.#view.getUint8(start);
    return size === 2 ? this.#view.getUint16(start, true) : this.#view.getUint32(start, true);
  }

  /** A length of eight bytes: beyond what a file can have it is as good as infinite. */
  #uint8(): number {
    const low = this.#uint(4);
    return low + this.#uint(4) * 2 ** 32;
  }

  #long(size: number): number {
    if (size > 8) throw new Error(`a whole number of ${size} bytes`);
    const digits = this.#take(size);
    const negative = size > 0 && digits[size - 1]! >= 0x80;
    return digits.reduce((sum, digit, i) => sum + digit * 256 ** i, negative ? -(256 ** size) : 0);
  }

  #line(): string {
    const rest = this.#bytes.subarray(this.#at, this.#at + longestName);
    const length = rest.indexOf(0x0a);
    if (length < 0) throw new Error('a name without an end');
    this.#at += length + 1;
    return latin1(rest.subarray(0, length));
  }

  #top(): Pickled {
    const value = this.#stack.at(-1);
    if (value === undefined || value === mark) throw new Error('there is nothing on the stack');
    return value;
  }

  #pop(): Pickled {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): Pickled[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #popToMark(): Pickled[] {
    const start = this.#stack.lastIndexOf(mark);
    if (start < 0) throw new Error('there is no mark on the stack');
    const values = this.#stack.splice(start).slice(1);
    return values as Pickled[];
  }

  #remembered(key: number): Pickled {
    const value = this.#memo.get(key);
    if (value === undefined) throw new Error(`nothing is remembered as ${key}`);
    return value;
  }

  #append(values: Pickled[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw new Error('something is appended to what is no list');
    for (const value of values) list.push(value);
  }

  #setItems(values: Pickled[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map) || values.length % 2 !== 0) {
      throw new Error('something is set in what is no dict');
    }
    for (let i = 0; i < values.length; i += 2) dict.set(key(values[i]!), values[i + 1]!);
  }

  /** What the known functions make of their arguments. */
  #call(called: Pickled, given: Pickled): Pickled {
    if (!(called instanceof Global) || !Array.isArray(given)) {
      throw new Error('something is called that is no function');
    }
    if (called.name === 'numpy.dtype') return dtype(given);
    if (called.name.endsWith('._reconstruct')) return new ArrayBox();
    if (called.name.endsWith('._frombuffer')) {
      const [data, type, shape, order] = given;
      const box = new ArrayBox();
      box.value = array(type, shape, data, order !== 'C');
      return box;
    }
    if (called.name === '_codecs.encode') {
      const [decoded, encoding] = given;
      if (typeof decoded !== 'string' || encoding !== 'latin1') {
        throw new Error('_codecs.encode is only known for text and latin1');
      }
      this.#encodable -= decoded.length;
      if (this.#encodable < 0) throw new Error('the same text is encoded again and again');
      if (/[^\0-\xff]/.test(decoded)) throw new Error('text that is not latin1');
      return Buffer.from(decoded, 'latin1');
    }
    throw new Error(`${called.name} is called, which numpy's own pickles never do`);
  }
}

/** An error that says where it is already. */
class At extends Error {}

function global(module: Pickled | undefined, name: Pickled | undefined): Global {
  if (typeof module !== 'string' || typeof name !== 'string') {
    throw new Error('a name that is no text');
  }
  const full = `${module}.${name}`;
  if (known.includes(full)) return new Global(full);
  throw new Error(
    `it asks for ${JSON.stringify(full.slice(0, longestName))}, which is not needed for CIFAR and is not run`,
  );
}

function dtype([type]: Pickled[]): Dtype {
  const name = type instanceof Uint8Array && type.length < 16 ? latin1(type) : type;
  if (typeof name !== 'string' || !/^[a-zA-Z]\d{1,3}$/.test(name)) {
    throw new Error('a type of numbers that is not understood');
  }
  return new Dtype(name);
}

/** BUILD: fills what a call has made. */
function build(made: Pickled, state: Pickled): void {
  if (made instanceof Dtype && Array.isArray(state)) {
    // (version, byte order, subtype, names, fields, …): of a structured type the last two are not None.
    if (state.slice(2, 5).some((part) => part !== null)) throw new Error('a structured type');
    return;
  }
  if (!(made instanceof ArrayBox) || !Array.isArray(state) || state.length !== 5) {
    throw new Error('something is filled that is no numpy array');
  }
  const [, shape, type, fortran, data] = state;
  made.value = array(type, shape, data, fortran !== false && fortran !== 0);
}

function array(
  type: Pickled | undefined,
  shape: Pickled | undefined,
  data: Pickled | undefined,
  fortran: boolean,
): NumpyArray {
  if (!(type instanceof Dtype) || !Array.isArray(shape) || shape.length > 8) {
    throw new Error('a numpy array of unknown type or shape');
  }
  if (fortran) throw new Error('a numpy array in Fortran order');
  if (!(data instanceof Uint8Array)) throw new Error('a numpy array whose data are no bytes');
  const sizes = shape.map((size) => (typeof size === 'number' && size >= 0 ? size : Number.NaN));
  const bytes = sizes.reduce((product, size) => product * size, Number(type.type.slice(1)));
  if (bytes !== data.length) {
    throw new Error(
      `a numpy array of shape [${sizes.join(', ')}] and type ${type.type} with ${data.length.toLocaleString('en')} bytes`,
    );
  }
  return { type: type.type, shape: sizes, data };
}

function key(value: Pickled): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array && value.length <= longestName) return latin1(value);
  throw new Error('a key that is no short string');
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Error('text that is not UTF-8');
  }
}
