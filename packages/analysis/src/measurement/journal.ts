/** Where a measurement keeps what it has done, batch by batch, so that it can go on after it was stopped. */
export interface MeasurementJournal<Measured> {
  /** What was measured before, from the first image on. */
  readonly restored: readonly Measured[];
  /** Told of every batch; the next one begins when this has been kept. */
  record(batch: readonly Measured[]): Promise<void>;
}

/** How many images of how many are measured. */
export interface MeasurementProgress {
  done: number;
  total: number;
}

/** What every measurement over many images takes. */
export interface MeasurementOptions<Measured> {
  /** Images in one pass. Every batch is filled up to it, so that the result doesn't depend on neighbours. */
  batchSize?: number;
  /** To go on where an earlier measurement of the same classifier, images, seed and batch size was stopped. */
  journal?: MeasurementJournal<Measured>;
  /** Stops between two batches. */
  signal?: AbortSignal;
  onProgress?: (progress: MeasurementProgress) => void;
}
