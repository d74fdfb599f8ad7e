import type { PreprocessingName } from '../decoding/preprocessing.ts';
import type { PreprocessingChoice, PreprocessingModule } from './open-preprocessing.ts';
import type { RecordSourceOptions } from './record-source.ts';

/** How the images of a data set are decoded and delivered. */
export interface StreamOptions
  extends Pick<RecordSourceOptions, 'onBad' | 'maxBadFraction' | 'workers' | 'prefetch'> {
  /**
   * Random crops and flips where a pass is augmented, whole images where it is not. Default `'torchvision'`.
   */
  preprocessing?: PreprocessingName | PreprocessingModule;
  /** The edge of the square images that a named preprocessing makes, in pixels. Default 224. */
  size?: number;
  /** Of a named preprocessing; default sharp where it is installed, else WebAssembly. */
  decoder?: 'sharp' | 'wasm';
}

/**
 * The options of a `recordSource`, of those of a data set.
 *
 * @throws RangeError when size or decoder is given for a preprocessing of one's own
 */
export function recordOptions({
  preprocessing = 'torchvision',
  size,
  decoder,
  ...others
}: StreamOptions): Pick<RecordSourceOptions, 'preprocessing' | 'onBad' | 'maxBadFraction'> {
  return { ...others, preprocessing: choice(preprocessing, size, decoder) };
}

function choice(
  preprocessing: PreprocessingName | PreprocessingModule,
  size: number | undefined,
  decoder: 'sharp' | 'wasm' | undefined,
): PreprocessingChoice {
  if (typeof preprocessing === 'string') {
    const sized = size === undefined ? {} : { size };
    return { name: preprocessing, ...sized, ...(decoder && { decoder }) };
  }
  if (size === undefined && decoder === undefined) return preprocessing;
  throw new RangeError('size and decoder belong to a named preprocessing, not to a module.');
}
