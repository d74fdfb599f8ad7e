import { crossEntropy, randomSource, type TrainableClassifier } from '@llr/core';
import type { Experiment, Variant } from './experiment.ts';
import { movingAverages } from './moving-averages.ts';
import { optimizerOf } from './optimizers/optimizer-of.ts';
import { alone, type World } from './parallel/world.ts';
import { createStepper, type Stepper } from './stepper.ts';

/** @throws when an experiment has no network of this name, saying which it has */
export function variantOf({ name, variants }: Experiment, variant: string): Variant {
  const found = Object.hasOwn(variants, variant) ? variants[variant] : undefined;
  if (found) return found;
  throw new Error(
    `The experiment ${name} has no network "${variant}". It has: ${Object.keys(variants).join(', ')}.`,
  );
}

/**
 * Steps by the recipe of an experiment: its optimiser, micro-batches and averages, the regularisers of one of its
 * networks. What it makes is disposed of with it; the model stays the caller's.
 */
export function experimentStepper(
  experiment: Experiment,
  variant: string,
  model: TrainableClassifier,
  world: World = alone,
): Stepper {
  const { seed = 0, loss = crossEntropy, threat, train } = experiment;
  const { regularizers = [] } = variantOf(experiment, variant);
  const { microBatchSize, averaging } = train;
  const optimizer = optimizerOf(train)(model.parameters);
  const averages = averaging && movingAverages(model.parameters, averaging);
  // What rank 0 is told of is as true of the others.
  const told = world.rank > 0 ? { onEager: () => {} } : {};
  const work = {
    classifier: model,
    regularizers,
    optimizer,
    loss,
    random: randomSource(seed).fork('train'),
    norm: threat.norm,
    ...(microBatchSize !== undefined && { microBatchSize }),
    ...(averages && { averages }),
    world,
  };
  const stepper = createStepper(work, told);
  return {
    ...stepper,
    dispose: () => {
      stepper.dispose();
      optimizer.dispose();
      averages?.dispose();
    },
  };
}
