/**
 * How a batch is split for gradient accumulation: into as few micro-batches of at most `largest` images as will do,
 * their sizes as equal as they can be (10 by 4: 4, 3 and 3), so that no micro-batch's statistics are those of a few
 * images left over.
 *
 * @throws RangeError when `largest` isn't a whole number above 0
 */
export function microBatchSizes(images: number, largest = images): number[] {
  if (!Number.isInteger(largest) || largest < 1) {
    throw new RangeError(
      `The size of a micro-batch must be a whole number from 1, not ${largest}.`,
    );
  }
  const count = Math.ceil(images / largest);
  const [size, rest] = [Math.floor(images / count), images % count];
  return Array.from({ length: count }, (_, i) => size + (i < rest ? 1 : 0));
}
