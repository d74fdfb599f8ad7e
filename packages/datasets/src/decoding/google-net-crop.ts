import { type Box, integerOf, type Size } from './geometry.ts';

const tries = 10;

/** Three for each try (area, aspect ratio, which edge is the longer), then two for the place. */
export const cropDraws = tries * 3 + 2;

/**
 * The crop of tensorpack's `GoogleNetRandomCropAndResize`: area 8 % to 100 %, aspect ratio 3/4 to 1.333, with
 * width and height exchanged half of the time, ten tries.
 *
 * @param draws - uniform in [0, 1), `cropDraws` of them
 * @returns undefined when no try lies within the image
 */
export function googleNetCrop(image: Size, draws: Float64Array): Box | undefined {
  for (let attempt = 0; attempt < tries; attempt++) {
    const [area, aspect, exchange] = draws.subarray(3 * attempt, 3 * attempt + 3) as unknown as [
      number,
      number,
      number,
    ];
    const target = image.width * image.height * (0.08 + 0.92 * area);
    const ratio = 0.75 + (1.333 - 0.75) * aspect;
    const edges = [Math.sqrt(target * ratio), Math.sqrt(target / ratio)];
    const [first, second] = edges.map((edge) => Math.floor(edge + 0.5)) as [number, number];
    const [width, height] = exchange < 0.5 ? [second, first] : [first, second];
    // An edge of 0, of which the original fails, is possible in images of a few pixels.
    if (width > 0 && width <= image.width && height > 0 && height <= image.height) {
      return {
        x: integerOf(draws[3 * tries]!, image.width - width + 1),
        y: integerOf(draws[3 * tries + 1]!, image.height - height + 1),
        width,
        height,
      };
    }
  }
  return undefined;
}
