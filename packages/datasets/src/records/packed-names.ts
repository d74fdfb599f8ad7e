/** Many short strings in two shared arrays: over a million names as plain objects would be copied to every worker. */
export interface PackedNames {
  /** UTF-8, one name after the other, over a SharedArrayBuffer. */
  readonly bytes: Uint8Array;
  /** Where each name ends in `bytes`, over a SharedArrayBuffer. */
  readonly ends: Float64Array;
}

/** The name of one record. */
export function nameAt({ bytes, ends }: PackedNames, index: number): string {
  const start = index === 0 ? 0 : ends[index - 1]!;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, ends[index]! - start).toString();
}
