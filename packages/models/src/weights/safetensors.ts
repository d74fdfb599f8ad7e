import { toFloat32 } from './number-formats.ts';
import { encodeHeader, headerLength, lengthBytes, parseHeader } from './safetensors-header.ts';

/** An array under its name. */
export interface NamedArray<Values = Float32Array> {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Values;
}

/**
 * The bytes of a safetensors file (https://github.com/huggingface/safetensors), in parts to be written one after the
 * other, as `writeWhole` does.
 *
 * @param arrays - float32 or int32, in this order
 * @param metadata - what the file says of itself
 */
export function encodeSafetensors(
  arrays: readonly NamedArray<Float32Array | Int32Array>[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array[] {
  const tensors = arrays.map(({ name, shape, values }) => ({
    name,
    shape,
    dtype: values instanceof Int32Array ? 'I32' : 'F32',
  }));
  return [encodeHeader(tensors, metadata), ...arrays.map(({ values }) => bytesOf(values))];
}

/**
 * Reads a safetensors file of floating-point arrays that is in memory already; `openSafetensors` reads one
 * that isn't.
 *
 * @param bytes - the whole file
 * @param file - its name, for errors
 * @throws when it is cut off or no safetensors file
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): Map<string, NamedArray> {
  const data = lengthBytes + headerLength(bytes, bytes.length, file);
  const tensors = parseHeader(bytes.subarray(lengthBytes, data), bytes.length, file);
  const arrays = [...tensors.values()].map(({ name, dtype, shape, range }) => {
    // A copy, because a Float32Array can't begin at a byte that is no multiple of 4.
    const own = new Uint8Array(bytes.subarray(data + range[0], data + range[1]));
    return { name, shape, values: toFloat32(dtype, own.buffer) };
  });
  return new Map(arrays.map((array) => [array.name, array]));
}

/** The same memory. */
export const bytesOf = ({
  buffer,
  byteOffset,
  byteLength,
}: Float32Array | Int32Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
