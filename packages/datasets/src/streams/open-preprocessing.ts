/** One image: encoded bytes to float32 `[height, width, channels]` in the pixel box [0, 1]. */
export type Preprocess = (
  bytes: Uint8Array,
  into: Float32Array,
  draws?: Float64Array,
) => Promise<void>;

/** A preprocessing that is ready. */
export interface OpenPreprocessing {
  /** Throws for bytes that are no image, and fills `into` for those that are. */
  readonly preprocess: Preprocess;
  /** How many random numbers, uniform in [0, 1), it takes to augment an image. */
  readonly draws: number;
  /** Of what it makes: `[height, width, channels]`. */
  readonly outputShape: readonly [height: number, width: number, channels: number];
}

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

/** Makes a preprocessing, in every worker and on the consumer's thread. */
export type PreprocessingOf<Options = undefined> = (options: Options) => Promise<OpenPreprocessing>;

export type PreprocessingChoice = PreprocessingModule;

export async function openPreprocessing(choice: PreprocessingChoice): Promise<OpenPreprocessing> {
  const { default: make } = (await import(choice.module)) as { default: PreprocessingOf<unknown> };
  return make(choice.options);
}
