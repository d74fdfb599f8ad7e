import type { BatchOptions } from '@llr/core';
import { epochOrder } from './epoch-order.ts';

/** Which positions of a source each batch of one process holds. */
export interface BatchPlan {
  /** How many batches each process goes through; without an epoch its last one may be empty. */
  readonly count: number;
  positions(batch: number): Int32Array;
}

/**
 * Lays out the batches of one process. Batch k of rank r of R holds the positions (k·R + r)·B to
 * (k·R + r + 1)·B − 1 of the order, so that the R batches together are batch k of one process that takes
 * R·B at a time.
 *
 * @param orderOf - the order of the positions in an epoch, a permutation of 0 to size − 1
 * @throws RangeError when an option is out of range, or an epoch has not one full batch
 */
export function batchPlan(
  source: string,
  size: number,
  options: BatchOptions,
  orderOf: (seed: number, epoch: number) => Int32Array = (seed, epoch) =>
    epochOrder(size, seed, epoch),
): BatchPlan {
  const { batchSize, epoch, seed = 0, rank = 0, world = 1, from = 0, augment = false } = options;
  whole('batchSize', batchSize, 1);
  whole('world', world, 1);
  whole('rank', rank, 0);
  whole('from', from, 0);
  if (epoch !== undefined) whole('epoch', epoch, 0);
  if (!Number.isSafeInteger(seed)) throw invalid('seed', 'a whole number', seed);
  if (rank >= world) throw invalid('rank', `below world (${world})`, rank);
  if (augment && epoch === undefined) {
    throw new RangeError('batches: augment needs an epoch, which its random numbers depend on.');
  }
  const count = (epoch === undefined ? Math.ceil : Math.floor)(size / (batchSize * world));
  if (count === 0) {
    throw new RangeError(
      `batches: ${source} has ${size} images, not one full batch of ${batchSize * world} (batchSize × world).`,
    );
  }
  if (from > count) throw invalid('from', `at most ${count}, the number of batches`, from);
  const order = epoch === undefined ? undefined : orderOf(seed, epoch);
  return {
    count,
    positions: (batch) => {
      const start = Math.min((batch * world + rank) * batchSize, size);
      const end = Math.min(start + batchSize, size);
      return order
        ? order.slice(start, end)
        : Int32Array.from({ length: end - start }, (_, row) => start + row);
    },
  };
}

function whole(option: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw invalid(option, `a whole number from ${least}`, value);
  }
}

const invalid = (option: string, expected: string, value: number) =>
  new RangeError(`batches: ${option} must be ${expected}; got ${value}.`);
