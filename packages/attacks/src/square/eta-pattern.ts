/**
 * The pattern η of the ℓ2 search (Andriushchenko et al. 2020, Sec. 3.3): two bumps of opposite sign, one above the other,
 * that fall off from their centres. Of ℓ2 norm 1.
 *
 * @returns `[side · side]`, row by row
 */
export function etaPattern(side: number): Float64Array {
  const above = Math.floor(side / 2);
  const pattern = Float64Array.from([
    ...bump(above, side),
    ...bump(side - above, side).map((value) => -value),
  ]);
  return unitNorm(pattern);
}

/** A pile of concentric squares, the k-th of height 1 / k² and side 2k − 1, cut to the rectangle. Of norm 1. */
function bump(height: number, width: number): Float64Array {
  const centre = [Math.floor(height / 2), Math.floor(width / 2)] as const;
  const squares = Math.max(...centre) + 1;
  const pile = Float64Array.from({ length: height * width }, (_, at) => {
    const distance = Math.max(
      Math.abs(Math.floor(at / width) - centre[0]),
      Math.abs((at % width) - centre[1]),
    );
    let sum = 0;
    for (let k = squares; k > distance; k--) sum += 1 / k ** 2;
    return sum;
  });
  return unitNorm(pile);
}

const unitNorm = (values: Float64Array): Float64Array => {
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  return values.map((value) => value / norm);
};
