/** An array in a safetensors file; its values may come in pieces. */
export interface ArrayOfFile {
  name: string;
  dtype: 'F32' | 'I32';
  shape: readonly number[];
  values: readonly (Float32Array | Int32Array)[];
}

/**
 * The bytes of a safetensors file (https://github.com/huggingface/safetensors), in parts: the length of the header, the
 * header, the values.
 */
export function* safetensors(
  arrays: readonly ArrayOfFile[],
  metadata: Readonly<Record<string, string>>,
): Generator<Uint8Array> {
  let end = 0;
  const entries = arrays.map(({ name, dtype, shape }) => {
    const begin = end;
    end += shape.reduce((product, size) => product * size, 4);
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  const length = Buffer.byteLength(json);
  // Spaces at its end let the values begin at a multiple of 8 bytes.
  const header = Buffer.alloc(8 + Math.ceil(length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  header.write(json, 8);
  yield header;
  for (const { values } of arrays) {
    for (const { buffer, byteOffset, byteLength } of values) {
      yield new Uint8Array(buffer, byteOffset, byteLength);
    }
  }
}
