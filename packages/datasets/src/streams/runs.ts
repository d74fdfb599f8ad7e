import { randomSource } from '@llr/core';
import { epochOrder, shuffle } from '../epoch-order.ts';
import { runOf } from '../records/runs.ts';

/**
 * Over how many runs images are shuffled together. More mixes better; every reader holds its share of so many
 * runs in memory.
 */
const runsPerWindow = 8;

/**
 * A permutation of the `size` records from `first`, a function of (runs, seed, epoch) and the part, in which
 * each run is read once: the runs are permuted, cut into windows of a few runs, and the records of each
 * window shuffled. Positions count from `first`.
 */
export function orderByRuns(
  starts: Float64Array,
  { first, size, seed, epoch }: { first: number; size: number; seed: number; epoch: number },
): Int32Array {
  const from = runOf(starts, first);
  const runs = epochOrder(runOf(starts, first + size - 1) - from + 1, seed, epoch);
  const order = new Int32Array(size);
  const random = randomSource(seed).fork('window', epoch);
  let filled = 0;
  for (let window = 0; window * runsPerWindow < runs.length; window++) {
    const begin = filled;
    for (const run of runs.subarray(window * runsPerWindow, (window + 1) * runsPerWindow)) {
      const end = Math.min(starts[from + run + 1]!, first + size);
      for (let i = Math.max(starts[from + run]!, first); i < end; i++) order[filled++] = i - first;
    }
    shuffle(order.subarray(begin, filled), random.fork(window));
  }
  return order;
}
