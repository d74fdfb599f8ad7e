/** Of an image, in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Part of an image: `x` and `y` are its left and upper edge, in pixels. */
export interface Box extends Size {
  readonly x: number;
  readonly y: number;
}

/** The whole image. */
export const wholeOf = ({ width, height }: Size): Box => ({ x: 0, y: 0, width, height });

export const square = (size: number): Size => ({ width: size, height: size });

/** The nearest whole number, and of two the even one: Python's `round`, C's `rint`. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** A whole number from 0 to `below` − 1, each as likely, of a uniform number in [0, 1). */
export const integerOf = (draw: number, below: number): number => Math.floor(draw * below);
