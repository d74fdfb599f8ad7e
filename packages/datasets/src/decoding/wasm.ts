import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pngChunks } from '../png-chunks.ts';
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

const jpegModule = '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm';

const compiled = async (module: string): Promise<WebAssembly.Module> =>
  WebAssembly.compile(await readFile(createRequire(import.meta.url).resolve(module)));

/** Mozjpeg writes what is wrong as text only, so each decoding collects what is written. */
async function mozjpeg(): Promise<(bytes: Uint8Array) => Promise<Picture>> {
  const { default: decode, init } = await import('@jsquash/jpeg/decode.js');
  const module = await compiled(jpegModule);
  let messages: string[] = [];
  // Its declaration leaves the second parameter out.
  const initialize: (module: WebAssembly.Module, options: object) => Promise<void> = init;
  const start = () => initialize(module, { printErr: (text: string) => messages.push(text) });
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

const pngModule = '@jsquash/png/codec/pkg/squoosh_png_bg.wasm';

async function startPng() {
  const { decode, init } = await import('@jsquash/png/decode.js');
  await init(await compiled(pngModule));
  return decode;
}

let pngStarted: ReturnType<typeof startPng> | undefined;

/** Of 16 bits the upper eight, as Pillow does. */
async function png(bytes: Uint8Array): Promise<Picture> {
  pngStarted ??= startPng().catch((cause) => {
    // The next PNG tries again.
    pngStarted = undefined;
    throw cause;
  });
  const decode = await pngStarted;
  return explained('the PNG', async () => {
    // The decoder finds missing pixels, but compares no checksums.
    for (const _ of pngChunks(bytes));
    // Asked for 16 bits, since for 8 it makes an ImageData, which only browsers have.
    const { data, width, height } = await decode(bytes as unknown as ArrayBuffer, { bitDepth: 16 });
    return { width, height, data: upperBytes(data) };
  });
}

function upperBytes(values: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(values.length);
  // Uint8Array.from with a function takes forty times as long.
  for (let i = 0; i < bytes.length; i++) bytes[i] = values[i]! >> 8;
  return bytes;
}

async function explained<T>(what: string, decode: () => T | Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${what} is damaged or truncated: ${reason}`, { cause });
  }
}
