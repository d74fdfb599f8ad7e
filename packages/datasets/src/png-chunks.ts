import { crc32 } from 'node:zlib';

/** A part of a PNG (W3C, third edition, section 5.3). */
export interface PngChunk {
  /** `IHDR`, `IDAT`, … */
  readonly type: string;
  readonly data: Buffer;
}

/**
 * The chunks of a PNG, from its header to its end, each with its checksum compared. Chunks after the end are
 * left alone.
 *
 * @throws when it is no PNG, is cut off, begins otherwise than with its header, or a checksum is wrong
 */
export function* pngChunks(png: Uint8Array): Generator<PngChunk, void> {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (bytes.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') throw new Error('it is no PNG');
  for (let at = 8, first = true; at + 12 <= bytes.length; first = false) {
    const end = at + 12 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (end > bytes.length) break;
    if (crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) {
      throw new Error(`the checksum of its chunk ${JSON.stringify(type)} is wrong`);
    }
    if (first !== (type === 'IHDR')) throw new Error('its chunks are in disorder');
    yield { type, data: bytes.subarray(at + 8, end - 4) };
    if (type === 'IEND') return;
    at = end;
  }
  throw new Error('it is cut short');
}
