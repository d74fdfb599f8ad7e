import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { imageFolder } from './image-folder.ts';
import { classFolders } from './records/image-folder.ts';
import type { Split } from './split.ts';
import type { RecordSource } from './streams/record-source.ts';
import type { StreamOptions } from './streams/stream-options.ts';

/** What people call the folders of each split. */
const names: Record<Split, readonly string[]> = {
  train: ['train', 'training'],
  test: ['test', 'val', 'valid', 'validation'],
};

/**
 * One split of images in folders, `directory/train/cat/1.jpg`. The classes are those of the training images, so
 * that a label is the same class in both. A folder without such splits is all training images.
 *
 * @throws when there is no folder of that split, and what `imageFolder` throws
 */
export async function folderSplit(
  directory: string,
  split: Split,
  stream: StreamOptions,
): Promise<RecordSource> {
  const entries: readonly string[] = await readdir(directory).catch(() => []);
  const folderOf = (wanted: Split) => names[wanted].find((name) => entries.includes(name));
  const [train, folder] = [folderOf('train'), folderOf(split)];
  const options = { ...stream, name: basename(resolve(directory)), split };
  if (split === 'train') return imageFolder(train ? join(directory, train) : directory, options);
  if (!folder) {
    throw new Error(
      `${directory} has no ${split} images: they should lie in a folder ${names[split].join(', ')}, with a folder for each class.`,
    );
  }
  const classNames = train && (await classFolders(join(directory, train)));
  return imageFolder(join(directory, folder), { ...options, ...(classNames && { classNames }) });
}
