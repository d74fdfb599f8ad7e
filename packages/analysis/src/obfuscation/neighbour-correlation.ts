import { maxAbs } from '../numbers.ts';

/** Fewer pairs say nothing: the correlation of noise is 0 ± 1/√pairs. */
const leastPairs = 100;

/**
 * How alike neighbouring pixels of a perturbation are: the mean product of horizontal and vertical neighbours (of one channel)
 * over their mean square; 0 for noise, 1 for a constant. Only pixels that have room in the box either way for its largest
 * change count: at the others, the image's own shapes would show in the perturbation.
 *
 * @param image - `[h · w · c]` in [0, 1]
 * @param perturbation - `[h · w · c]`
 * @returns null where too few neighbours are free to move, or none moves
 */
export function neighbourCorrelation(
  image: ArrayLike<number>,
  perturbation: ArrayLike<number>,
  [height, width, channels]: readonly [number, number, number],
): number | null {
  const room = maxAbs(perturbation);
  const free = (at: number) => image[at]! >= room && image[at]! <= 1 - room;
  let [pairs, product, squares] = [0, 0, 0];
  const count = (a: number, b: number): void => {
    if (!free(a) || !free(b)) return;
    const [first, second] = [perturbation[a]!, perturbation[b]!];
    pairs++;
    product += first * second;
    squares += (first ** 2 + second ** 2) / 2;
  };
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let channel = 0; channel < channels; channel++) {
        const at = (row * width + column) * channels + channel;
        if (column + 1 < width) count(at, at + channels);
        if (row + 1 < height) count(at, at + width * channels);
      }
    }
  }
  return pairs < leastPairs || squares === 0 ? null : product / squares;
}
