import type { Classifier, ImageSource } from '@llr/core';
import { openData, subset } from '@llr/datasets';
import type { Experiment, ExperimentData, TrainOptions } from './experiment.ts';

/** The images of an experiment: its own sources, or those its data is named after. */
export function dataOf(experiment: Experiment): ExperimentData {
  return typeof experiment.data === 'string' ? openData(experiment.data) : experiment.data;
}

/**
 * The images to train on and those held out, which come right after them.
 *
 * @throws when there are fewer images than asked for, or fewer than one batch
 */
export function splitTraining(
  source: ImageSource,
  { examples, validation, batchSize }: TrainOptions,
): { training: ImageSource; validation: ImageSource | undefined } {
  const held = validation?.examples ?? 0;
  const used = examples ?? source.size - held;
  if (used + held > source.size || used < batchSize) {
    throw new Error(
      `${source.name} has ${source.size} ${source.split} images: not enough for ${used} to train on in batches of ${batchSize} and ${held} held out. Lower train.examples, train.batchSize or train.validation.examples.`,
    );
  }
  return {
    training: used === source.size ? source : subset(source, { size: used }),
    validation: held > 0 ? subset(source, { from: used, size: held }) : undefined,
  };
}

/** @throws when a network can't take the images, or has another number of classes */
export function assertFits(model: Classifier, source: ImageSource): void {
  const wanted = `${source.inputShape.join('x')} images of ${source.classNames.length} classes`;
  const offered = `${model.inputShape.join('x')} images of ${model.numClasses} classes`;
  if (wanted !== offered) {
    throw new Error(`The model ${model.name} takes ${offered}, but ${source.name} has ${wanted}.`);
  }
}
