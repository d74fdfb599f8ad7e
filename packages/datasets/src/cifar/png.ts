import { inflateSync } from 'node:zlib';
import { pngChunks } from '../png-chunks.ts';

const width = 32;
const height = 32;
/** Red, green and blue. */
const bytesPerPixel = 3;
const bytesPerRow = width * bytesPerPixel;

/**
 * Decodes a PNG (W3C, third edition) of exactly the kind that CIFAR's are: 32 × 32, RGB of 8 bits, not
 * interlaced. Every checksum is compared, and nothing is allocated by what the file declares.
 *
 * @param into - the pixels, HWC
 * @throws when it is anything else, or damaged
 */
export function decodePng(png: Uint8Array, into: Uint8Array): void {
  const rows = inflateSync(pixelData(png), { maxOutputLength: height * (bytesPerRow + 1) });
  if (rows.length !== height * (bytesPerRow + 1)) {
    throw new Error(`it has ${rows.length} bytes of pixels, not ${height * (bytesPerRow + 1)}`);
  }
  for (let y = 0; y < height; y++) unfilter(rows, y, into);
}

/** The compressed pixels: the chunks IDAT, joined. */
function pixelData(png: Uint8Array): Uint8Array {
  const found: Uint8Array[] = [];
  for (const { type, data } of pngChunks(png)) {
    if (type === 'IHDR') assertHeader(data);
    if (type === 'IDAT') found.push(data);
  }
  return found.length === 1 ? found[0]! : Buffer.concat(found);
}

function assertHeader(header: Buffer): void {
  if (header.length !== 13) throw new Error('its header is damaged');
  const [wide, high] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth, colour, , , interlaced] = header.subarray(8);
  if (wide === width && high === height && depth === 8 && colour === 2 && interlaced === 0) return;
  throw new Error(
    `it should be 32 × 32 RGB of 8 bits; it is ${wide} × ${high}, ${depth} bits, colour type ${colour}${interlaced === 0 ? '' : ', interlaced'}`,
  );
}

/** Undoes the filter of one row (section 9), each byte from those left, above and above left of it. */
function unfilter(rows: Uint8Array, y: number, pixels: Uint8Array): void {
  const from = y * (bytesPerRow + 1);
  const filter = rows[from]!;
  if (filter > 4) throw new Error(`row ${y} has the unknown filter ${filter}`);
  for (let x = 0; x < bytesPerRow; x++) {
    const to = y * bytesPerRow + x;
    const left = x < bytesPerPixel ? 0 : pixels[to - bytesPerPixel]!;
    const above = y === 0 ? 0 : pixels[to - bytesPerRow]!;
    const aboveLeft = y === 0 || x < bytesPerPixel ? 0 : pixels[to - bytesPerRow - bytesPerPixel]!;
    pixels[to] = rows[from + 1 + x]! + predicted(filter, left, above, aboveLeft);
  }
}

function predicted(filter: number, left: number, above: number, aboveLeft: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  const estimate = left + above - aboveLeft;
  const a = Math.abs(estimate - left);
  const b = Math.abs(estimate - above);
  const c = Math.abs(estimate - aboveLeft);
  if (a <= b && a <= c) return left;
  return b <= c ? above : aboveLeft;
}
