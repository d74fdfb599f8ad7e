import type { Box, Size } from './geometry.ts';
import type { Region } from './resize.ts';

/** Encoded bytes to pixels, as Pillow's `Image.open(…).convert('RGB')`. */
export interface Decoder {
  readonly name: 'sharp' | 'wasm';
  /**
   * The part of the image that `choose` picks when it is told the size.
   *
   * @throws an error that says what is wrong with the bytes: empty, no image, truncated, too large
   */
  decode(bytes: Uint8Array, choose: (image: Size) => Box): Promise<Region>;
}
