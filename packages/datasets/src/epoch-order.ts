import { type RandomSource, randomSource } from '@llr/core';

/** A permutation of 0 to size − 1, a function of (size, seed, epoch) alone. */
export function epochOrder(size: number, seed: number, epoch: number): Int32Array {
  const order = Int32Array.from({ length: size }, (_, position) => position);
  shuffle(order, randomSource(seed).fork('order', epoch));
  return order;
}

/** Fisher–Yates in place, each exchange drawn by its own counter. */
export function shuffle(values: Int32Array, random: RandomSource): void {
  const { length } = values;
  const places = Int32Array.from({ length }, (_, place) => place);
  const draws = random.forExamples(places).integers([length], 2 ** 31);
  for (let last = length - 1; last > 0; last--) {
    const chosen = Math.floor((draws[last]! / 2 ** 31) * (last + 1));
    const moved = values[last]!;
    values[last] = values[chosen]!;
    values[chosen] = moved;
  }
}
