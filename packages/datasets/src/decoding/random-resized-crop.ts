import { type Box, integerOf, roundHalfEven, type Size } from './geometry.ts';

const tries = 10;
const area = [0.08, 1] as const;
const aspect = [3 / 4, 4 / 3] as const;

/** Two for each try, then two for the place. */
export const cropDraws = tries * 2 + 2;

/**
 * The crop of torchvision's `RandomResizedCrop`: area 8 % to 100 %, aspect ratio 3/4 to 4/3 (uniform in its
 * logarithm), ten tries, else the largest central crop of an aspect ratio in that range.
 *
 * @param draws - uniform in [0, 1), `cropDraws` of them
 */
export function randomResizedCrop(image: Size, draws: Float64Array): Box {
  for (let attempt = 0; attempt < tries; attempt++) {
    const target = image.width * image.height * between(area, draws[2 * attempt]!);
    const [narrow, wide] = aspect;
    const ratio = Math.exp(between([Math.log(narrow), Math.log(wide)], draws[2 * attempt + 1]!));
    const width = roundHalfEven(Math.sqrt(target * ratio));
    const height = roundHalfEven(Math.sqrt(target / ratio));
    if (width > 0 && width <= image.width && height > 0 && height <= image.height) {
      return {
        x: integerOf(draws[2 * tries]!, image.width - width + 1),
        y: integerOf(draws[2 * tries + 1]!, image.height - height + 1),
        width,
        height,
      };
    }
  }
  return centralCrop(image);
}

const between = ([least, most]: readonly [number, number], draw: number) =>
  least + (most - least) * draw;

function centralCrop(image: Size): Box {
  const [narrow, wide] = aspect;
  const ratio = image.width / image.height;
  const width = ratio > wide ? roundHalfEven(image.height * wide) : image.width;
  const height = ratio < narrow ? roundHalfEven(image.width / narrow) : image.height;
  return {
    x: Math.floor((image.width - width) / 2),
    y: Math.floor((image.height - height) / 2),
    width,
    height,
  };
}
