/** Where each run begins, and behind the last where it ends. */
export function runStarts(runs: readonly number[]): Float64Array {
  const starts = new Float64Array(runs.length + 1);
  runs.forEach((length, run) => {
    starts[run + 1] = starts[run]! + length;
  });
  return starts;
}

/** Which run a record is in, by bisection. */
export function runOf(starts: Float64Array, index: number): number {
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Which run a record is in, and which of the run's records it is.
 *
 * @throws RangeError when the runs have no such record
 */
export function placeInRuns(starts: Float64Array, index: number): { run: number; row: number } {
  if (!(index >= 0 && index < starts.at(-1)!)) {
    throw new RangeError(`There is no record ${index}.`);
  }
  const run = runOf(starts, index);
  return { run, row: index - starts[run]! };
}
