import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { RandomSource } from './contracts/random-source.ts';
import { assertPurpose, recordedSource } from './recorded-source.ts';
import { threefry2x32 } from './threefry.ts';

type Key = readonly [number, number];

/** The examples of a batch; with keys of their own, where rows were given purposes of their own. */
interface Rows {
  readonly indices: ArrayLike<number>;
  readonly keys?: readonly Key[];
}

/** All randomness of a run, from one seed (a whole number). See `RandomSource`. */
export function randomSource(seed: number): RandomSource {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`A seed is a whole number; got ${seed}.`);
  return fromKey([seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0], { indices: [] });
}

const forked = (key: Key, purpose: readonly (string | number)[]): Key =>
  purpose.reduce(foldIn, key);

function fromKey(key: Key, { indices, keys }: Rows): RandomSource {
  const drawn = (shape: readonly number[]) => draw((row) => keys?.[row] ?? key, indices, shape);
  return {
    fork: (...purpose) =>
      fromKey(forked(key, purpose), {
        indices,
        ...(keys && { keys: keys.map((own) => forked(own, purpose)) }),
      }),
    forExamples: (examples, purposes) => {
      if (keys) throw new Error('Rows with purposes of their own are bound to their examples.');
      return fromKey(key, {
        indices: examples,
        ...(purposes && { keys: purposes.map((purpose) => forked(key, purpose)) }),
      });
    },
    uniform: (shape, low = 0, high = 1): Tensor => {
      const words = drawn(shape);
      const values = new Float32Array(words.length);
      // 24 bits, so that the largest value is still below `high`.
      const scale = (high - low) / 2 ** 24;
      for (let i = 0; i < words.length; i++) values[i] = low + (words[i]! >>> 8) * scale;
      return tensor(values, [...shape]);
    },
    normal: (shape): Tensor => tensor(normals(drawn, shape), [...shape]),
    integers: (shape, bound) =>
      Int32Array.from(drawn(shape), (word) => Math.floor((word / 2 ** 32) * bound)),
    whileCompiled: (input) => recordedSource(input),
  };
}

/** Box & Muller (1958): two uniform words make two normal numbers, r·cos and r·sin. */
function normals(
  drawn: (shape: readonly number[]) => Uint32Array,
  shape: readonly number[],
): Float32Array {
  const [rows = 0, ...rest] = shape;
  const size = rest.reduce((product, n) => product * n, 1);
  const stride = size + (size % 2);
  const words = drawn([rows, stride]);
  const values = new Float32Array(rows * size);
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(i / size) * stride + (i % size);
    const first = at - (at % 2);
    // In (0, 1], so that its logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log((words[first]! + 1) / 2 ** 32));
    const angle = (2 * Math.PI * words[first + 1]!) / 2 ** 32;
    values[i] = radius * (at === first ? Math.cos(angle) : Math.sin(angle));
  }
  return values;
}

/** 32 random bits for every element; the block of an example depends on its index and its size alone. */
function draw(
  keyOf: (row: number) => Key,
  indices: ArrayLike<number>,
  shape: readonly number[],
): Uint32Array {
  const [rows, ...rest] = shape;
  if (rows !== indices.length) {
    throw new Error(
      `A random source bound to ${indices.length} examples was asked for ${rows} rows: bind it by forExamples(indices).`,
    );
  }
  const size = rest.reduce((product, n) => product * n, 1);
  const words = new Uint32Array(rows * size);
  const pair = new Uint32Array(2);
  for (let row = 0; row < rows; row++) {
    const key = keyOf(row);
    for (let at = 0; at < size; at += 2) {
      threefry2x32(key[0], key[1], indices[row]!, at, pair);
      words[row * size + at] = pair[0]!;
      if (at + 1 < size) words[row * size + at + 1] = pair[1]!;
    }
  }
  return words;
}

function foldIn(key: Key, word: string | number): Key {
  const pair = new Uint32Array(2);
  assertPurpose(word);
  // A name and a number can't meet: names are hashed into the second counter, numbers count in the first.
  if (typeof word === 'number') threefry2x32(key[0], key[1], word, 0xffffffff, pair);
  else threefry2x32(key[0], key[1], 0xffffffff, hash(word), pair);
  return [pair[0]!, pair[1]!];
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}
