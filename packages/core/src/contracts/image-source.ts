import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';

/** Some images with their labels. The consumer owns the tensors. */
export interface Batch {
  /** `[b, h, w, c]`, float32 in [0, 1]. */
  images: Tensor4D;
  /** `[b]`, int32, 0 to classes − 1. */
  labels: Tensor1D;
  /** Which example of the source each row is. */
  indices: Int32Array;
}

export interface BatchOptions {
  batchSize: number;
  /**
   * Given: the order is shuffled by (seed, epoch) and only full batches come. Left out: the order of the
   * source, every image, the last batch perhaps smaller.
   */
  epoch?: number;
  /** Default 0. */
  seed?: number;
  /** This process's share of each global batch of `world` batches. Defaults 0 and 1. */
  rank?: number;
  world?: number;
  /** The batch to begin with, to go on where a run stopped. Default 0. */
  from?: number;
  /** Whether the source's own augmentation (crop, flip) is applied. Default false. */
  augment?: boolean;
}

/** Images, wherever they come from. */
export interface ImageSource {
  readonly name: string;
  readonly inputShape: readonly [height: number, width: number, channels: number];
  readonly classNames: readonly string[];
  readonly split: string;
  /** How many images. */
  readonly size: number;
  batches(options: BatchOptions): AsyncIterable<Batch>;
}
