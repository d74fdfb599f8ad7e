import type { Size } from './geometry.ts';

/** What can be read of an image file without decoding it. */
export interface ImageHeader extends Size {
  readonly format: 'jpeg' | 'png';
  /** Colour channels: 1 grey, 3 colours (or a palette), 4 CMYK. */
  readonly components: number;
}

/** Of a declared size above it nothing is allocated: the bound of Pillow's `DecompressionBombError`. */
const mostPixels = 178_956_970;

/**
 * The format, told by the first bytes and never by a name, and the declared size.
 *
 * @throws an error that says what the bytes are when they are no JPEG or PNG, hold no size, or declare a size of
 *   zero or of more than 178,956,970 pixels
 */
export function readHeader(bytes: Uint8Array): ImageHeader {
  const header = headerOf(bytes);
  checkSize(header);
  return header;
}

/** @throws as `readHeader` does, for a size of zero or one too large */
export function checkSize({ width, height }: Size): void {
  if (width === 0 || height === 0)
    throw new Error(`the image declares ${width} x ${height} pixels`);
  if (width * height > mostPixels) {
    throw new Error(
      `the image declares ${width} x ${height} pixels; at most ${mostPixels} are read`,
    );
  }
}

function headerOf(bytes: Uint8Array): ImageHeader {
  if (bytes.length === 0) throw new Error('the file is empty');
  if (startsWith(bytes, jpegMagic)) return jpegHeader(bytes);
  if (startsWith(bytes, pngMagic)) return pngHeader(bytes);
  throw new Error(`not a JPEG or PNG image but ${guess(bytes)}`);
}

const jpegMagic = [0xff, 0xd8, 0xff];
const pngMagic = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const startsWith = (bytes: Uint8Array, magic: readonly number[]) =>
  magic.every((byte, i) => bytes[i] === byte);

/** An image format other than JPEG and PNG, which libvips may know. */
export function otherFormat(bytes: Uint8Array): 'GIF' | 'WebP' | 'TIFF' | undefined {
  const text = textOf(bytes);
  if (text.startsWith('GIF8')) return 'GIF';
  if (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) return 'WebP';
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return 'TIFF';
  return undefined;
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes.subarray(0, 64)).toString('latin1');

/** What turns up under the name of an image. */
function guess(bytes: Uint8Array): string {
  const format = otherFormat(bytes);
  if (format) return `a ${format}, which only sharp decodes: npm install sharp`;
  const text = textOf(bytes).trimStart();
  if (/^<(!doctype )?html/i.test(text)) return 'a page of HTML, as of a failed download';
  if (text.startsWith('<')) return 'markup';
  return `something that begins with the bytes ${Buffer.from(bytes.subarray(0, 8)).toString('hex')}`;
}

function pngHeader(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33) throw new Error('the PNG is cut off within its header');
  const colour = view.getUint8(25);
  return {
    format: 'png',
    width: view.getUint32(16),
    height: view.getUint32(20),
    components: colour === 0 || colour === 4 ? 1 : 3,
  };
}

/** Walks the segments of a JPEG (ITU-T T.81, annex B) to the frame header. */
function jpegHeader(bytes: Uint8Array): ImageHeader {
  let at = 2;
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) {
      at++;
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (isFrame(marker)) {
      return {
        format: 'jpeg',
        height: (bytes[at + 5]! << 8) | bytes[at + 6]!,
        width: (bytes[at + 7]! << 8) | bytes[at + 8]!,
        components: bytes[at + 9]!,
      };
    }
    const alone = marker === 0x01 || marker === 0x00 || (marker >= 0xd0 && marker <= 0xd8);
    at += alone ? 2 : 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
  }
  throw new Error('the JPEG is cut off, or damaged, before the header of its image');
}

/** SOF0 to SOF15, without DHT (C4), JPG (C8) and DAC (CC). */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
