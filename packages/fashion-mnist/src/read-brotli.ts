import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

/** What a data file must hold once it is unpacked. */
export interface Contents {
  byteLength: number;
  /** Of the unpacked bytes, in hexadecimal. */
  sha256: string;
}

/**
 * Unpacks a brotli file and checks that it holds what it should.
 *
 * @throws an error that names the file when it is missing or damaged
 */
export function readBrotli(file: URL, { byteLength, sha256 }: Contents): Uint8Array {
  const bytes = unpack(file, byteLength);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) {
    throw new Error(`${damaged(file)} The sha256 of its contents is ${found}, not ${sha256}.`);
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function unpack(file: URL, byteLength: number): Buffer {
  let packed: Buffer;
  try {
    packed = readFileSync(file);
  } catch (cause) {
    const problem = `${fileURLToPath(file)} can't be read: reinstall @llr/fashion-mnist.`;
    throw new Error(problem, { cause });
  }
  try {
    return brotliDecompressSync(packed, { maxOutputLength: byteLength });
  } catch (cause) {
    throw new Error(damaged(file), { cause });
  }
}

const damaged = (file: URL) => `${fileURLToPath(file)} is damaged: reinstall @llr/fashion-mnist.`;
