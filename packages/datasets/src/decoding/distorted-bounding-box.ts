import { type Box, integerOf, roundHalfEven, type Size, wholeOf } from './geometry.ts';

const attempts = 100;
const area = [0.05, 1] as const;
const aspect = [0.75, 1.33] as const;

/** Of the object, here the whole image, what a crop must show. */
const leastCovered = 0.1;

/** Two for each attempt (aspect ratio, height), then two for the place. */
export const cropDraws = attempts * 2 + 2;

/**
 * The crop of `distorted_bounding_box_crop` of TF-slim's Inception preprocessing: TensorFlow's
 * `sample_distorted_bounding_box` with area 5 % to 100 %, aspect ratio 0.75 to 1.33 and 100 attempts, else the whole
 * image. The height is uniform between those of the least and the greatest area. The bounding box is the whole
 * image, as there where an image has none: with `min_object_covered = 0.1`, crops under 10 % are drawn anew.
 *
 * @param draws - uniform in [0, 1), `cropDraws` of them
 */
export function distortedBoundingBox(image: Size, draws: Float64Array): Box {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [narrow, wide] = aspect;
    const ratio = narrow + (wide - narrow) * draws[2 * attempt]!;
    const crop = sizeOfCrop(image, ratio, draws[2 * attempt + 1]!);
    if (!crop || areaOf(crop) < leastCovered * areaOf(image)) continue;
    return {
      x: placeOf(image.width - crop.width, draws[2 * attempts]!),
      y: placeOf(image.height - crop.height, draws[2 * attempts + 1]!),
      ...crop,
    };
  }
  return wholeOf(image);
}

const areaOf = ({ width, height }: Size) => width * height;

/** The last place is never taken, as in TensorFlow. */
const placeOf = (room: number, draw: number) => (room > 0 ? integerOf(draw, room) : 0);

function sizeOfCrop(image: Size, ratio: number, draw: number): Size | undefined {
  const [least, most] = area.map((part) => part * areaOf(image)) as [number, number];
  const widthOf = (height: number) => roundHalfEven(height * ratio);
  const fits = ({ width, height }: Size) => width <= image.width && height <= image.height;
  const isAllowed = (crop: Size) => areaOf(crop) >= least && areaOf(crop) <= most && fits(crop);

  const highest = highestWithin(image, ratio, roundHalfEven(Math.sqrt(most / ratio)));
  const lowest = Math.min(highest, roundHalfEven(Math.sqrt(least / ratio)));
  const height = lowest + integerOf(draw, highest - lowest + 1);
  // Rounding alone doesn't make an attempt fail: one row more or less may do.
  const crops = [height, height + 1, height - 1].map((rows) => ({
    width: widthOf(rows),
    height: rows,
  }));
  return crops.find((crop) => crop.width > 0 && crop.height > 0 && isAllowed(crop));
}

/** At most `height`, so that neither it nor the rounded width is more than the image's. */
function highestWithin(image: Size, ratio: number, height: number): number {
  let highest = height;
  if (roundHalfEven(highest * ratio) > image.width) {
    highest = Math.floor((image.width + 0.5) / ratio);
    if (roundHalfEven(highest * ratio) > image.width) highest--;
  }
  return Math.min(highest, image.height);
}
