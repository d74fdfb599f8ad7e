// Float32 arrays by name as a safetensors file (https://github.com/huggingface/safetensors).
import { readFileSync, writeFileSync } from 'node:fs';

/** @param {Record<string, { shape: readonly number[], values: Float32Array }>} arrays */
export function writeArrays(file, arrays) {
  let end = 0;
  const entries = Object.entries(arrays).map(([name, { shape, values }]) => {
    const begin = end;
    end += values.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }];
  });
  const json = JSON.stringify(Object.fromEntries(entries));
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const data = Object.values(arrays).map(({ values }) =>
    Buffer.from(values.buffer, values.byteOffset, values.byteLength),
  );
  writeFileSync(file, Buffer.concat([length, header, ...data]));
}

/** @returns {Record<string, { shape: readonly number[], values: Float32Array }>} */
export function readArrays(file) {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, start));
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return Object.fromEntries(
    entries.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => {
        if (dtype !== 'F32') throw new Error(`${file}: ${name} is ${dtype}, not F32.`);
        const values = new Float32Array((end - begin) / 4);
        Buffer.from(values.buffer).set(bytes.subarray(start + begin, start + end));
        return [name, { shape, values }];
      },
    ),
  );
}
