import type { RandomSource } from '@llr/core';

/** A random change of training images that keeps their labels. */
export interface Augmentation {
  readonly name: string;
  /**
   * @param images - bytes, `[b, h, w, c]`, changed in place
   * @param shape - `[b, h, w, c]`
   * @param random - bound to these examples and to one epoch: draws by purpose, `random.fork('crop')`
   */
  apply(
    images: Uint8Array,
    shape: readonly [b: number, h: number, w: number, c: number],
    random: RandomSource,
  ): void;
}
