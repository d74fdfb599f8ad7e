/** The two parts the classic data sets are published in. */
export type Split = 'train' | 'test';

/** @throws RangeError when it is neither `'train'` nor `'test'` */
export function assertSplit(source: string, split: string): asserts split is Split {
  if (split !== 'train' && split !== 'test') {
    throw new RangeError(`${source} has the splits 'train' and 'test'; got '${split}'.`);
  }
}
