import type { Box, Size } from './geometry.ts';

/** Decoded pixels: interleaved bytes, of which red, green and blue are the first in each pixel. */
export interface Region extends Size {
  readonly data: Uint8Array;
  /** Bytes from one pixel to the next. */
  readonly channels: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
  /** Where the first pixel begins. */
  readonly offset: number;
}

export interface Resizing {
  /** What the region becomes. */
  readonly to: Size;
  /** The part of it that is wanted. */
  readonly window: Box;
  /** Left for right, after resizing. */
  readonly flip: boolean;
}

/** Writes the window as float32 `[height, width, 3]` in the pixel box [0, 1]. */
export type Resize = (region: Region, resizing: Resizing, into: Float32Array) => void;
