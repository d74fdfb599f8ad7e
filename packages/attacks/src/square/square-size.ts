/** The largest share of an image's pixels in a square, p: half of it at each later level. */
const initialShare = 0.8;

/** After how many of 10,000 queries the share is halved (Andriushchenko et al. 2020, Sec. 3 and supplement). */
const halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000] as const;

/** How many different sizes of squares there are. */
const sizeLevels = halvings.length + 1;

/** How often the share has been halved when this many queries were done, the schedule rescaled to the budget. */
export function sizeLevel(done: number, budget: number): number {
  const ofTenThousand = Math.floor((done / budget) * 10_000);
  return halvings.filter((after) => ofTenThousand > after).length;
}

/** p at a level. */
export const shareOfPixels = (level: number): number => initialShare / 2 ** level;

/** The side √(p·h·w) of a square in ℓ∞, by level: at least 1 pixel, at most the image. */
export const linfSides = (height: number, width: number): number[] =>
  sides(height, width, (side) => Math.max(side, 1));

/** In ℓ2, by level: at least 3 pixels, and an odd number of them, so that the pattern has a centre. At most the image. */
export const l2Sides = (height: number, width: number): number[] =>
  sides(height, width, (side) => Math.max(side, 3) + ((Math.max(side, 3) + 1) % 2));

const sides = (height: number, width: number, atLeast: (side: number) => number) =>
  Array.from({ length: sizeLevels }, (_, level) => {
    const side = Math.round(Math.sqrt(shareOfPixels(level) * height * width));
    return Math.min(atLeast(side), height, width);
  });
