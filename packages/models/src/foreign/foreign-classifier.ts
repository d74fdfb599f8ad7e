import type { Classifier, StatisticsUse } from '@llr/core';
import {
  type Rank,
  randomUniform,
  reshape,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import { type PixelStatistics, pixelNormalization } from '../layers/pixel-normalization.ts';
import { assertCommonOptions, assertImages, type InputShape } from '../options.ts';

export interface ForeignModelOptions extends PixelStatistics {
  /** Where the model doesn't know it itself. */
  inputShape?: InputShape;
  /** What the model is expected to have; it is found out in any case. */
  numClasses?: number;
  /** For messages and reports. */
  name?: string;
}

/** A model of somebody else's, as far as tfjs tells. */
export interface ForeignModel {
  readonly name: string;
  /** `[b, h, w, c]`; a size that isn't known is null or −1, and all of it may be unknown. */
  readonly inputShape: readonly (number | null)[] | null | undefined;
  readonly inputType: string | undefined;
  /** Its output for images that are normalised already, before the softmax if there is one. */
  output(images: Tensor4D): Tensor;
  /** How to get at the logits of a model that gives probabilities. */
  readonly remedy: string;
}

/**
 * A classifier of a model of somebody else's. It is tried once, on two images of noise.
 *
 * @throws Error for a model that doesn't take images and give logits, and for options that don't fit it
 */
export function foreignClassifier(model: ForeignModel, options: ForeignModelOptions): Classifier {
  const { name } = model;
  if (model.inputType !== undefined && model.inputType !== 'float32') {
    throw new Error(
      `${name} takes ${model.inputType} images, which can't be differentiated: rebuild it for float32.`,
    );
  }
  const inputShape = imageShape(name, model.inputShape, options.inputShape);
  const { numClasses: expected = 2 } = options;
  assertCommonOptions({ inputShape, numClasses: expected, activation: 'relu', pixels: options });
  const normalize = pixelNormalization(options);
  const logits = (images: Tensor4D): Tensor2D => {
    assertImages(name, images, inputShape);
    const [b] = images.shape;
    return tidy(() => {
      const output = model.output(normalize(images));
      const between = output.shape.slice(1, -1);
      if (output.rank < 2 || output.shape[0] !== b || between.some((size) => size !== 1)) {
        throw new Error(
          `${name} is no image classifier: its output for ${b} images is of shape [${output.shape.join(', ')}], not [${b}, classes].`,
        );
      }
      return reshape<Rank.R2>(output, [b, output.shape.at(-1)!]);
    });
  };
  const numClasses = tried(model, inputShape, logits);
  if (options.numClasses !== undefined && options.numClasses !== numClasses) {
    throw new Error(`${name} has ${numClasses} classes, not ${options.numClasses}.`);
  }
  const assertRunning = (use: StatisticsUse) => {
    if (use === 'running') return;
    throw new Error(`${name} knows its own statistics alone: forward it with 'running'.`);
  };
  return {
    name,
    inputShape,
    numClasses,
    statistics: 'running',
    forward: (images, use) => {
      assertRunning(use);
      return { logits: logits(images) };
    },
    freeze: (statistics) => {
      assertRunning(statistics);
      return logits;
    },
  };
}

function imageShape(
  name: string,
  known: ForeignModel['inputShape'],
  given: InputShape | undefined,
): InputShape {
  if (!known) {
    if (given) return given;
    throw new Error(
      `${name} doesn't say what images it takes: give inputShape, [height, width, channels].`,
    );
  }
  const shown = `[${known.map((size) => (isKnown(size) ? size : '?')).join(', ')}]`;
  if (known.length !== 4) {
    throw new Error(
      `${name} takes ${shown}, not images [b, height, width, channels]: put a model around it that reshapes them.`,
    );
  }
  const [batch, ...sizes] = known;
  if (isKnown(batch)) {
    throw new Error(
      `${name} takes batches of ${batch} alone: rebuild it with an input of shape [null, ${sizes.join(', ')}].`,
    );
  }
  const shape = sizes.map((size, i) => (isKnown(size) ? size : given?.[i]));
  if (shape.includes(undefined)) {
    throw new Error(
      `${name} takes images of any size, ${shown}: give inputShape, [height, width, channels].`,
    );
  }
  if (given && `${given}` !== `${shape}`) {
    throw new Error(`${name} takes ${shown}; inputShape is [${given.join(', ')}].`);
  }
  const [height, , channels] = shape as [number, number, number];
  if (height <= 4 && channels > 4) {
    throw new Error(
      `${name} takes images with channels first, ${shown}: put a model around it that transposes [b, height, width, channels] to them.`,
    );
  }
  return shape as unknown as InputShape;
}

const isKnown = (size: number | null | undefined): size is number =>
  typeof size === 'number' && size >= 0;

/** How far a sum of float32 probabilities may be from 1. */
const rounding = 1e-4;

/** How many classes a model has, from what it gives for noise. */
function tried(
  { name, remedy }: ForeignModel,
  inputShape: InputShape,
  logits: (images: Tensor4D) => Tensor2D,
): number {
  const rows = tidy(() => {
    const images = randomUniform([2, ...inputShape], 0, 1, 'float32', 1) as Tensor4D;
    return logits(images).arraySync();
  });
  if (rows.flat().some(Number.isNaN)) {
    throw new Error(`${name} gives NaN for an image of noise: are its weights whole?`);
  }
  const classes = rows[0]!.length;
  if (classes < 2) {
    throw new Error(
      `${name} has one output, not one for each class: put a model around it with two logits, 0 and what its last layer gives before the sigmoid.`,
    );
  }
  const isDistribution = (row: number[]) =>
    row.every((value) => value >= 0) &&
    Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < rounding;
  if (rows.every(isDistribution)) {
    throw new Error(`${name} gives probabilities, and attacks need logits. ${remedy}`);
  }
  return classes;
}
