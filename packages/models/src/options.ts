import type { Tensor } from '@tensorflow/tfjs-core';
import { type Activation, activationNames } from './layers/activation.ts';
import type { PixelStatistics } from './layers/pixel-normalization.ts';

/** `[height, width, channels]` */
export type InputShape = readonly [height: number, width: number, channels: number];

/** What a network says of how it was built: its architecture, and all of its options with their defaults. */
export type ConfigOf<Name extends string, Options extends PixelStatistics> = {
  readonly architecture: Name;
} & Readonly<Required<Omit<Options, keyof PixelStatistics>>> &
  Readonly<PixelStatistics>;

/** Refuses images that a network doesn't take. */
export function assertImages(name: string, images: Tensor, inputShape: InputShape): void {
  const [, ...shape] = images.shape;
  if (images.rank === 4 && shape.every((size, i) => size === inputShape[i])) return;
  throw new Error(
    `${name} takes images [b, ${inputShape.join(', ')}]; got [${images.shape.join(', ')}].`,
  );
}

/** Refuses an option that is not a whole number of at least `least`. */
export function assertCount(name: string, value: unknown, least = 1): void {
  if (!Number.isInteger(value) || (value as number) < least) {
    throw new RangeError(`${name} must be a whole number of ${least} or more; got ${show(value)}.`);
  }
}

/** Refuses an option that is none of the known names. */
export function assertOneOf(name: string, value: unknown, known: readonly string[]): void {
  if (!known.includes(value as string)) {
    throw new RangeError(`${name} must be one of ${known.join(', ')}; got ${show(value)}.`);
  }
}

/** Refuses what no network can be built with, among the options that all of them share. */
export function assertCommonOptions(options: {
  inputShape: unknown;
  numClasses: unknown;
  activation: Activation;
  pixels: PixelStatistics;
}): void {
  const { inputShape, numClasses, activation, pixels } = options;
  if (!Array.isArray(inputShape) || inputShape.length !== 3) {
    throw new RangeError(`inputShape must be [height, width, channels]; got ${show(inputShape)}.`);
  }
  for (const [i, name] of ['height', 'width', 'channels'].entries()) {
    assertCount(`inputShape: ${name}`, inputShape[i]);
  }
  assertCount('numClasses', numClasses, 2);
  assertOneOf('activation', activation, activationNames);
  assertPerChannel('mean', pixels.mean, inputShape[2], (value) => Number.isFinite(value));
  assertPerChannel('std', pixels.std, inputShape[2], (value) => value > 0 && value < Infinity);
}

export function assertBatchNormEpsilon(value: unknown): void {
  if (typeof value === 'number' && value > 0 && value < Infinity) return;
  throw new RangeError(`batchNormEpsilon must be a positive number; got ${show(value)}.`);
}

function assertPerChannel(
  name: string,
  values: unknown,
  channels: number,
  legal: (value: number) => boolean,
): void {
  if (values === undefined) return;
  if (!Array.isArray(values) || values.length !== channels || !values.every(legal)) {
    throw new RangeError(
      `${name} must be ${channels} ${name === 'std' ? 'positive numbers' : 'numbers'}, one per channel; got ${show(values)}.`,
    );
  }
}

const show = (value: unknown) => JSON.stringify(value) ?? String(value);
