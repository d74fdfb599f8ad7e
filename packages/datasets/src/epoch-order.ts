import { randomSource } from '@llr/core';

/**
 * A permutation of 0 to size − 1, a function of (size, seed, epoch) alone: Fisher–Yates, each exchange
 * drawn by its own counter.
 */
export function epochOrder(size: number, seed: number, epoch: number): Int32Array {
  const order = Int32Array.from({ length: size }, (_, position) => position);
  const draws = randomSource(seed)
    .fork('order', epoch)
    .forExamples(order.slice())
    .integers([size], 2 ** 31);
  for (let last = size - 1; last > 0; last--) {
    const chosen = Math.floor((draws[last]! / 2 ** 31) * (last + 1));
    const moved = order[last]!;
    order[last] = order[chosen]!;
    order[chosen] = moved;
  }
  return order;
}
