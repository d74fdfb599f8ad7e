import type { Sharp, SharpOptions } from 'sharp';
import { optionalPackage } from '../optional-package.ts';
import { cmykToRgb } from './cmyk.ts';
import type { Decoder } from './decoder.ts';
import type { Box, Size } from './geometry.ts';
import { checkSize, otherFormat, readHeader } from './image-header.ts';

/**
 * As libjpeg does for Pillow: what it only warns of is decoded, a truncated image is an error, and embedded colour
 * profiles and EXIF orientation are ignored.
 */
const asPillow: SharpOptions = { failOn: 'error', ignoreIcc: true, limitInputPixels: false };

/**
 * Decodes with sharp (libvips), the same bytes as Pillow. One thread an image and no cache: parallelism is the
 * caller's, and training images don't come twice.
 *
 * @throws when the package `sharp` is not installed
 */
export async function sharpDecoder(): Promise<Decoder> {
  const { default: sharp } = await optionalPackage('sharp', () => import('sharp'));
  sharp.concurrency(1);
  sharp.cache(false);
  return {
    name: 'sharp',
    decode: async (bytes, choose) => {
      const open = () => sharp(bytes, asPillow);
      const header = otherFormat(bytes) ? await headerOf(open()) : readHeader(bytes);
      const box = choose(header);
      const input = open().extract(extractOf(box));
      const data = header.components === 4 ? cmykToRgb(await cmykOf(input)) : await rgbOf(input);
      return { ...box, data, channels: 3, stride: box.width * 3, offset: 0 };
    },
  };
}

/** Of a format that only libvips reads. */
async function headerOf(image: Sharp): Promise<Size & { components: number }> {
  const { width, height } = await image.metadata();
  checkSize({ width, height });
  return { width, height, components: 3 };
}

const extractOf = ({ x, y, width, height }: Box) => ({ left: x, top: y, width, height });

const rgbOf = (input: Sharp) => bytesOf(input.toColourspace('srgb').removeAlpha());

/** Without the conversion to RGB by libvips, which goes by a colour profile. */
const cmykOf = (input: Sharp) => bytesOf(input.pipelineColourspace('cmyk').toColourspace('cmyk'));

/** @throws with the first line of what libvips says, which repeats itself */
async function bytesOf(image: Sharp): Promise<Uint8Array> {
  try {
    return await image.raw().toBuffer();
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    throw new Error(`the image is damaged or truncated: ${reason}`, { cause });
  }
}
