/**
 * The safetensors format (https://github.com/huggingface/safetensors): the length of the header (8 bytes,
 * little-endian), the header (JSON: for each tensor its dtype, shape and byte range), the raw values.
 */

/** A float32 array under its name. */
export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [begin: number, end: number];
}

const lengthBytes = 8;

/** The bytes of a safetensors file, in parts to be written one after the other. */
export function encodeSafetensors(arrays: readonly NamedArray[]): Uint8Array[] {
  const header: Record<string, HeaderEntry> = {};
  let end = 0;
  for (const { name, shape, values } of arrays) {
    const begin = end;
    end += values.byteLength;
    header[name] = { dtype: 'F32', shape: [...shape], data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = new Uint8Array(Math.ceil(json.length / lengthBytes) * lengthBytes).fill(0x20);
  padded.set(json);
  const length = new Uint8Array(lengthBytes);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  const data = arrays.map(
    ({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
  return [length, padded, ...data];
}

/**
 * Reads the float32 arrays of a safetensors file.
 *
 * @param bytes - the whole file
 * @param file - its name, for errors
 * @throws when it is cut off, is no safetensors file, or holds arrays that aren't float32
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): Map<string, NamedArray> {
  const { header, start } = readHeader(bytes, file);
  const arrays = new Map<string, NamedArray>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    arrays.set(name, { name, ...readArray(bytes, start, name, entry, file) });
  }
  return arrays;
}

function readHeader(bytes: Uint8Array, file: string) {
  const refuse = (why: string) => new Error(`${file} is no safetensors file: ${why}.`);
  if (bytes.length < lengthBytes) throw refuse(`it has only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const start = lengthBytes + length;
  if (start > bytes.length) {
    throw refuse(
      `its header should have ${length} bytes, but the file has ${bytes.length} in all (is it cut off?)`,
    );
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(lengthBytes, start)));
  } catch {
    throw refuse('its header is not JSON');
  }
  if (typeof header !== 'object' || header === null) throw refuse('its header is not an object');
  return { header: header as Record<string, HeaderEntry>, start };
}

function readArray(
  bytes: Uint8Array,
  start: number,
  name: string,
  entry: HeaderEntry,
  file: string,
) {
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  if (dtype !== 'F32') {
    throw new Error(`${file}: the tensor ${name} is ${dtype}; convert it to float32 (F32).`);
  }
  if (!Array.isArray(shape) || !Array.isArray(offsets)) {
    throw new Error(`${file}: the header entry of ${name} has no shape or no data_offsets.`);
  }
  const [begin, end] = offsets;
  const size = shape.reduce((product, n) => product * n, 1);
  if (end - begin !== 4 * size) {
    throw new Error(
      `${file}: the tensor ${name} [${shape.join(', ')}] needs ${4 * size} bytes, but its data_offsets are ${begin} to ${end}.`,
    );
  }
  if (begin < 0) throw new Error(`${file}: the tensor ${name} begins before the data.`);
  if (start + end > bytes.length) {
    throw new Error(
      `${file}: the tensor ${name} should end at byte ${start + end}, but the file has ${bytes.length} (is it cut off?).`,
    );
  }
  // A copy, because a Float32Array can't begin at a byte that is no multiple of 4.
  const values = new Float32Array(size);
  new Uint8Array(values.buffer).set(bytes.subarray(start + begin, start + end));
  return { shape, values };
}
