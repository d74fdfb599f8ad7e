/** A step size for each step, counted from 0. */
export type Schedule = (step: number) => number;

/**
 * A step size that changes at given steps. The paper's attacks (F.1) take
 * `piecewise([[0, 0.1], [100, 0.01], [150, 0.001]])`: 0.1 for the first 100 steps, then 0.01 for 50, then 0.001.
 *
 * @param pieces - `[from, size]`, in ascending order: from step `from` (counted from 0) on, steps are `size`
 * @throws RangeError when the first piece isn't from step 0, the steps are not whole and ascending, or a size is
 *   not a positive number
 */
export function piecewise(pieces: readonly (readonly [from: number, size: number])[]): Schedule {
  if (pieces[0]?.[0] !== 0) {
    throw new RangeError('piecewise: the first piece must be from step 0, such as [0, 0.1].');
  }
  pieces.forEach(([from, size], i) => {
    const before = pieces[i - 1]?.[0] ?? -1;
    if (!Number.isInteger(from) || from <= before) {
      throw new RangeError(
        `piecewise: steps must be whole and ascending; got ${from} after ${before}.`,
      );
    }
    if (!(size > 0 && size < Infinity)) {
      throw new RangeError(`piecewise: the size from step ${from} must be above 0; got ${size}.`);
    }
  });
  return (step) => pieces.findLast(([from]) => from <= step)![1];
}
