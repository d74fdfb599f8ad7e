import { basename, resolve } from 'node:path';
import { imageFolderRecords } from './records/image-folder.ts';
import { type RecordSource, recordSource } from './streams/record-source.ts';
import { recordOptions, type StreamOptions } from './streams/stream-options.ts';

export interface ImageFolderOptions extends StreamOptions {
  /** Default: the name of the folder. */
  name?: string;
  /** What part of the data these are, for people. Default `'train'`. */
  split?: string;
  /** Which folders are which labels, in that order. Default: the sorted names of the folders. */
  classNames?: readonly string[];
}

/**
 * Your own images, in one folder for each class (`directory/cat/1.jpg`), as torchvision's ImageFolder reads
 * them.
 *
 * @throws what `imageFolderRecords` and `recordSource` throw
 */
export async function imageFolder(
  directory: string,
  { name, split = 'train', classNames, ...stream }: ImageFolderOptions = {},
): Promise<RecordSource> {
  const records = await imageFolderRecords({ directory, ...(classNames && { classNames }) });
  return recordSource({
    name: name ?? basename(resolve(directory)),
    split,
    records,
    ...recordOptions(stream),
  });
}
