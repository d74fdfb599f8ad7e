import type { ImageSource } from '@llr/core';
import type { IndexedSource } from './from-arrays.ts';

/**
 * A contiguous part of a source as a source of its own: the first images to evaluate on, or a validation
 * split. Its images keep their indices, so they get the same random numbers as in the whole.
 *
 * @param source - one that can be reached in any order: every source of this package
 * @param options.from - where the part begins, default 0
 * @param options.size - how many images
 * @throws RangeError when the part doesn't lie within the source; TypeError for a source that can only be
 *   read through
 */
export function subset(
  source: ImageSource,
  { from = 0, size }: { from?: number; size: number },
): IndexedSource {
  const what = `subset of ${source.name}, ${source.split}`;
  if (!Number.isSafeInteger(from) || from < 0) {
    throw new RangeError(`${what}: from must be a whole number from 0; got ${from}.`);
  }
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new RangeError(`${what}: size must be a whole number from 1; got ${size}.`);
  }
  if (from + size > source.size) {
    throw new RangeError(
      `${what}: images ${from} to ${from + size - 1} were asked for, but there are only ${source.size}.`,
    );
  }
  if (!isIndexed(source)) {
    throw new TypeError(`${what}: this source can only be read from its beginning to its end.`);
  }
  return source.part(from, size);
}

const isIndexed = (source: ImageSource): source is IndexedSource =>
  typeof (source as Partial<IndexedSource>).part === 'function';
