import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Decoder } from './decoder.ts';
import type { Size } from './geometry.ts';
import { readHeader } from './image-header.ts';

/** A whole image, interleaved RGBA. */
interface Picture extends Size {
  readonly data: ArrayLike<number> & (Uint8Array | Uint8ClampedArray);
}

/**
 * Decodes where sharp isn't installed: JPEG by mozjpeg in WebAssembly, the same bytes as Pillow; CMYK JPEG and PNG,
 * of which ImageNet has 24, in JavaScript. CMYK is within 3/255 of it.
 */
export async function wasmDecoder(): Promise<Decoder> {
  const jpeg = await mozjpeg();
  return {
    name: 'wasm',
    decode: async (bytes, choose) => {
      const header = readHeader(bytes);
      const box = choose(header);
      const decode = header.format === 'png' ? png : header.components === 4 ? cmykJpeg : jpeg;
      const { data, width } = await decode(bytes);
      const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
      const stride = width * 4;
      return { ...box, data: pixels, channels: 4, stride, offset: box.y * stride + box.x * 4 };
    },
  };
}

const module = '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';

/** Mozjpeg writes what is wrong as text only, so each decoding collects what is written. */
async function mozjpeg(): Promise<(bytes: Uint8Array) => Promise<Picture>> {
  const { default: decode, init } = await import('@jsquash/jpeg/decode.js');
  const file = createRequire(import.meta.url).resolve(module);
  const compiled = await WebAssembly.compile(await readFile(file));
  let messages: string[] = [];
  // Its declaration leaves the second parameter out.
  const initialize: (module: WebAssembly.Module, options: object) => Promise<void> = init;
  const start = () => initialize(compiled, { printErr: (text: string) => messages.push(text) });
  await start();
  return async (bytes) => {
    messages = [];
    const picture = await decode(bytes as unknown as ArrayBuffer).catch(async () => {
      // Its memory is not to be trusted after a fatal error.
      await start();
      throw new Error(`the JPEG can't be decoded: ${messages.join('; ') || 'no reason given'}`);
    });
    if (messages.some((text) => text.startsWith('Premature end'))) {
      throw new Error('the JPEG is truncated: premature end of JPEG file');
    }
    return picture;
  };
}

async function cmykJpeg(bytes: Uint8Array): Promise<Picture> {
  const { decode } = await import('jpeg-js');
  const options = { useTArray: true, tolerantDecoding: false, maxMemoryUsageInMB: 4096 } as const;
  return explained('the CMYK JPEG', () => decode(bytes, options));
}

/** Of 16 bits the upper eight, as Pillow does. */
async function png(bytes: Uint8Array): Promise<Picture> {
  const { PNG } = await import('pngjs');
  const isWide = bytes[24] === 16;
  const { data, width, height } = explained('the PNG', () =>
    PNG.sync.read(Buffer.from(bytes), { skipRescale: isWide }),
  );
  return { width, height, data: isWide ? Uint8Array.from(data, (value) => value >> 8) : data };
}

function explained<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    const { message } = cause as Error;
    throw new Error(`${what} is damaged or truncated: ${message}`, { cause });
  }
}
