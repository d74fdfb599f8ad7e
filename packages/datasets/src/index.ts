export type { Augmentation } from './augmentation.ts';
export { checkData, type DamagedImage, type DataCheck } from './check/check-data.ts';
export { type CifarOptions, type CifarSource, cifar10, cifar100 } from './cifar/cifar.ts';
export {
  type Preprocess,
  type Preprocessing,
  type PreprocessingName,
  preprocessing,
  preprocessingNames,
} from './decoding/preprocessing.ts';
export { dataFolder } from './download/data-folder.ts';
export { type GetDataOptions, type GotData, getData } from './download/get-data.ts';
export {
  type CifarForm,
  cifarForms,
  type Downloadable,
  downloadable,
} from './download/published.ts';
export { fashionMnist } from './fashion-mnist.ts';
export { fromArrays, type ImageArrays, type IndexedSource } from './from-arrays.ts';
export { type ImageFolderOptions, imageFolder } from './image-folder.ts';
export {
  type ImageNetRecordsOptions,
  imageNetRecords,
} from './imagenet/image-net-records.ts';
export type { ImageNetSplit } from './imagenet/split.ts';
export { type ImageNetOptions, imageNet } from './imagenet.ts';
export { type Data, dataUsages, type OpenDataOptions, openData } from './open-data.ts';
export { padCropFlip } from './pad-crop-flip.ts';
export { maskedCrc32c } from './records/crc32c.ts';
export { type FileRecords, imageFolderRecords } from './records/image-folder.ts';
export type { ParquetRecords } from './records/parquet.ts';
export type { IndexProgress, OnProgress } from './records/progress.ts';
export type { RangeRecords } from './records/ranges.ts';
export { RecordError } from './records/record-error.ts';
export {
  openReader,
  type RecordReader,
  type Records,
  recordName,
  whereabouts,
} from './records/records.ts';
export type { RemoteTarRecords } from './records/remote-tars.ts';
export { sha256OfFile } from './sha256-of-file.ts';
export type { Split } from './split.ts';
export type { BadRecord } from './streams/bad-records.ts';
export type {
  OpenPreprocessing,
  PreprocessingChoice,
  PreprocessingModule,
  PreprocessingOf,
} from './streams/open-preprocessing.ts';
export {
  type RecordSource,
  type RecordSourceOptions,
  recordSource,
} from './streams/record-source.ts';
export type { StreamOptions } from './streams/stream-options.ts';
export {
  resumeFrom,
  type StreamState,
  sourceFingerprint,
  streamState,
} from './streams/stream-state.ts';
export { subset } from './subset.ts';
