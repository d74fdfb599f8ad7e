import { type Preprocess, preprocessing } from '../decoding/preprocessing.ts';

/** A preprocessing that is ready. */
export interface OpenPreprocessing {
  /** Throws for bytes that are no image, and fills `into` for those that are. */
  readonly preprocess: Preprocess;
  /** How many random numbers, uniform in [0, 1), it takes to augment an image. */
  readonly draws: number;
  /** Of what it makes: `[height, width, channels]`. */
  readonly outputShape: readonly [height: number, width: number, channels: number];
}

/** Makes a preprocessing, in every worker and on the consumer's thread. */
export type PreprocessingOf<Options = undefined> = (options: Options) => Promise<OpenPreprocessing>;

/**
 * A preprocessing of your own: a module whose default export is a `PreprocessingOf` these options. It is
 * named by its address, since every worker imports it.
 */
export interface PreprocessingModule {
  /** `import.meta.resolve('./mine.js')` */
  readonly module: string;
  /** Plain data. */
  readonly options?: unknown;
}

/** A preprocessing by its name, or one of your own. Plain data, which can be posted to a worker. */
export type PreprocessingChoice = Parameters<typeof preprocessing>[0] | PreprocessingModule;

export async function openPreprocessing(choice: PreprocessingChoice): Promise<OpenPreprocessing> {
  if ('name' in choice) return preprocessing(choice);
  const { default: make } = (await import(choice.module)) as { default: PreprocessingOf<unknown> };
  return make(choice.options);
}
