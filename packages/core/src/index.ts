export { adam } from './ascent/adam.ts';
export type { AscentOptimizer } from './ascent/ascent-optimizer.ts';
export { type AscentOptions, projectedAscent, type Schedule } from './ascent/projected-ascent.ts';
export { sign } from './ascent/sign.ts';
export type { Attack, Run } from './contracts/attack.ts';
export type {
  Classifier,
  ForwardPass,
  Parameter,
  RecordedStatistics,
  StatisticsUse,
  TrainableClassifier,
} from './contracts/classifier.ts';
export type { Batch, BatchOptions, ImageSource } from './contracts/image-source.ts';
export type { Maximizer } from './contracts/maximizer.ts';
export type { Objective, Problem } from './contracts/objective.ts';
export type { RandomSource } from './contracts/random-source.ts';
export type {
  NominalPass,
  PerExampleLoss,
  Regularizer,
  TrainContext,
} from './contracts/regularizer.ts';
export type { ThreatModel } from './contracts/threat-model.ts';
export {
  type LinearityVariant,
  type Linearization,
  type LocalLinearity,
  linearityError,
  linearize,
  localLinearity,
  localLinearityObjective,
  maximizeLocalLinearity,
} from './local-linearity.ts';
export { crossEntropy } from './losses/cross-entropy.ts';
export { margin, targetedMargin } from './losses/margin.ts';
export { lossObjective } from './objectives.ts';
export { dotPerExample } from './per-example.ts';
export { randomSource } from './random-source.ts';
export { adversarialTraining } from './regularizers/adversarial-training.ts';
export { type LlrOptions, llr } from './regularizers/llr.ts';
export { problemOf } from './regularizers/problem-of.ts';
export { linfBall } from './threat-models/linf-ball.ts';
export { assertEpsilon } from './threat-models/radius.ts';
