import { type ImageNetRecordsOptions, imageNetRecords } from './imagenet/image-net-records.ts';
import { type RecordSource, recordSource } from './streams/record-source.ts';
import { recordOptions, type StreamOptions } from './streams/stream-options.ts';

export interface ImageNetOptions extends ImageNetRecordsOptions, StreamOptions {}

/**
 * ImageNet (ILSVRC2012) from whatever form it is in, without unpacking it: see `imageNetRecords` for the forms,
 * `recordSource` for how its images are decoded. `form` says which form was found.
 *
 * @throws what `imageNetRecords` and `recordSource` throw
 */
export async function imageNet({
  source,
  split,
  partial,
  onProgress,
  cacheFolder,
  cacheBytes,
  ...stream
}: ImageNetOptions): Promise<RecordSource> {
  const records = await imageNetRecords({
    source,
    split,
    ...(partial !== undefined && { partial }),
    ...(onProgress && { onProgress }),
    ...(cacheFolder !== undefined && { cacheFolder }),
    ...(cacheBytes !== undefined && { cacheBytes }),
  });
  return recordSource({ name: 'imagenet', split, records, ...recordOptions(stream) });
}
