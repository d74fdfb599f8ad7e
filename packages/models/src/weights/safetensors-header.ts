import { bytesPerElement } from './number-formats.ts';

/**
 * The safetensors format (https://github.com/huggingface/safetensors): the length of the header (8 bytes,
 * little-endian), the header (JSON: for each tensor its dtype, shape and byte range), the raw values.
 */

/** Where a tensor lies in a file. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Of its first byte, and of the one after its last, counted from the end of the header. */
  readonly range: readonly [begin: number, end: number];
}

/** Bytes that hold the header's length. */
export const lengthBytes = 8;

/** The format's own limit. */
const longestHeader = 100_000_000;

/**
 * The length of the header.
 *
 * @param start - the file's first bytes, at least 8 if it has them
 * @throws when the file can't hold a header of that length
 */
export function headerLength(start: Uint8Array, fileSize: number, file: string): number {
  if (fileSize < lengthBytes) throw refusal(file, `it has only ${fileSize} bytes`);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > longestHeader) {
    throw refusal(
      file,
      `its header should have ${length} bytes, but the format's limit is ${longestHeader}`,
    );
  }
  if (lengthBytes + Number(length) > fileSize) {
    throw refusal(
      file,
      `its header should have ${length} bytes, but the file has ${fileSize} in all (is it cut off?)`,
    );
  }
  return Number(length);
}

/**
 * The tensors that a header describes, in the order in which they lie in the file.
 *
 * @param bytes - the header alone
 * @throws when it is not what the format demands: every byte of the data belongs to exactly one tensor
 */
export function parseHeader(
  bytes: Uint8Array,
  fileSize: number,
  file: string,
): ReadonlyMap<string, StoredTensor> {
  const { __metadata__: _, ...entries } = parseObject(bytes, file);
  const tensors = Object.entries(entries)
    .map(([name, entry]) => parseEntry(name, entry, file))
    .sort((a, b) => a.range[0] - b.range[0] || a.range[1] - b.range[1]);
  const dataSize = fileSize - lengthBytes - bytes.length;
  let end = 0;
  for (const { name, range } of tensors) {
    if (range[0] !== end) {
      throw new Error(
        `${file}: the tensor ${name} should begin at byte ${end} of the data, where the one before it ends, but its data_offsets are ${range.join(' to ')}.`,
      );
    }
    end = range[1];
    if (end > dataSize) {
      throw new Error(
        `${file}: the tensor ${name} should end at byte ${end} of the data, but there are ${dataSize} (is the file cut off?).`,
      );
    }
  }
  if (end < dataSize) {
    throw new Error(
      `${file}: its tensors end at byte ${end} of the data, but there are ${dataSize}.`,
    );
  }
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

function parseObject(bytes: Uint8Array, file: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw refusal(file, 'its header is not JSON');
  }
  if (!isObject(header)) throw refusal(file, 'its header is not an object');
  return header;
}

function parseEntry(name: string, entry: unknown, file: string): StoredTensor {
  const refuse = (why: string) => new Error(`${file}: the tensor ${name} ${why}.`);
  if (!isObject(entry)) throw refuse('has no dtype, shape and data_offsets');
  const { dtype, shape, data_offsets: range } = entry;
  const width = bytesPerElement.get(dtype as string);
  if (!width) throw refuse(`has the unknown dtype ${JSON.stringify(dtype)}`);
  if (!isCounts(shape)) throw refuse('has a shape that is no list of whole numbers');
  if (!isCounts(range) || range.length !== 2) {
    throw refuse('has data_offsets that are not two whole numbers');
  }
  const bytes = shape.reduce((product, n) => product * n, width);
  if (!Number.isSafeInteger(bytes)) throw refuse(`has the shape [${shape.join(', ')}]: too large`);
  const [begin, end] = range as [number, number];
  if (end - begin !== bytes) {
    throw refuse(
      `[${shape.join(', ')}] of ${dtype} needs ${bytes} bytes, but its data_offsets are ${begin} to ${end}`,
    );
  }
  return { name, dtype: dtype as string, shape, range: [begin, end] };
}

/** What goes before the values, which follow in the order of `tensors` without gaps. */
export function encodeHeader(
  tensors: readonly Pick<StoredTensor, 'name' | 'dtype' | 'shape'>[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape }): [string, object] => {
    const begin = end;
    end += shape.reduce((product, n) => product * n, bytesPerElement.get(dtype)!);
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const header = Object.fromEntries([
    ...(metadata ? [['__metadata__', metadata] as const] : []),
    ...entries,
  ]);
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Readers map the values into memory, where they must begin at a multiple of their width.
  const padded = Math.ceil(json.length / lengthBytes) * lengthBytes;
  const bytes = new Uint8Array(lengthBytes + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, lengthBytes);
  return bytes;
}

const refusal = (file: string, why: string) => new Error(`${file} is no safetensors file: ${why}.`);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
