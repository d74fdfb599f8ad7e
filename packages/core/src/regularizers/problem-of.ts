import type { StatisticsUse } from '../contracts/classifier.ts';
import type { Problem } from '../contracts/objective.ts';
import type { TrainContext } from '../contracts/regularizer.ts';

/** The inner maximisation of a training step: this batch, against the network at the given statistics. */
export const problemOf = (context: TrainContext, use: StatisticsUse): Problem => ({
  images: context.images,
  labels: context.labels,
  indices: context.indices,
  threat: context.threat,
  random: context.random.fork('search'),
  logits: use === 'batch' ? (images) => context.forward(images, use).logits : context.freeze(use),
});
