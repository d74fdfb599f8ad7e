/** The parts of ILSVRC2012 that have labels. Its 'test' split has none: it is not offered. */
export type ImageNetSplit = 'train' | 'validation';

/** How many images each has. */
export const splitSizes = { train: 1_281_167, validation: 50_000 } as const;

/** What folders and files call them. */
export const splitNames = {
  train: ['train', 'training'],
  validation: ['val', 'validation', 'valid'],
} as const;

/** The split a file's name speaks of: one of its words. */
export function splitInName(name: string): ImageNetSplit | 'test' | undefined {
  const words = name.toLowerCase().split(/[^a-z0-9]+/);
  const has = (names: readonly string[]) => names.some((word) => words.includes(word));
  if (has(splitNames.train)) return 'train';
  if (has(splitNames.validation)) return 'validation';
  return has(['test']) ? 'test' : undefined;
}

/** @throws RangeError when it is neither `'train'` nor `'validation'` */
export function assertImageNetSplit(split: string): asserts split is ImageNetSplit {
  if (Object.hasOwn(splitSizes, split)) return;
  const hint = split === 'test' ? ' The labels of its test split are not published.' : '';
  throw new RangeError(`ImageNet has the splits 'train' and 'validation'; got '${split}'.${hint}`);
}
