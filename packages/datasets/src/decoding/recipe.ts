import type { Box, Size } from './geometry.ts';
import type { Resize, Resizing } from './resize.ts';

/** Which part of an image is taken, and what becomes of it. */
export interface Plan extends Resizing {
  readonly box: Box;
  readonly resize: Resize;
}

/** A preprocessing without its decoder: pure geometry. `output` is the edge of the square made, in pixels. */
export interface Recipe {
  /** The uniform numbers that `training` is given, of which it takes each for one purpose. */
  readonly draws: number;
  evaluation(image: Size, output: number): Plan;
  training(image: Size, output: number, draws: Float64Array): Plan;
}
