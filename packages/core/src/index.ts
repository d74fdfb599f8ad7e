export { adam } from './ascent/adam.ts';
export type { AscentOptimizer } from './ascent/ascent-optimizer.ts';
export { inRadii } from './ascent/in-radii.ts';
export { momentum } from './ascent/momentum.ts';
export { normalized } from './ascent/normalized.ts';
export { type AscentOptions, projectedAscent } from './ascent/projected-ascent.ts';
export { piecewise, type Schedule } from './ascent/schedules.ts';
export { sign } from './ascent/sign.ts';
export { steepest } from './ascent/steepest.ts';
export type { BoundCheck } from './bounds/bound-check.ts';
export {
  type CrossEntropyBoundCheck,
  checkCrossEntropyBound,
} from './bounds/cross-entropy-bound.ts';
export { checkCurvatureBound } from './bounds/curvature-bound.ts';
export { checkLossBound } from './bounds/loss-bound.ts';
export {
  checkSquaredErrorBound,
  type SquaredErrorBoundCheck,
} from './bounds/squared-error-bound.ts';
export type { Attack, Run, SimpleAttack, StagedAttack, Target } from './contracts/attack.ts';
export type {
  Classifier,
  ForwardPass,
  Parameter,
  RecordedStatistics,
  StatisticsUse,
  TrainableClassifier,
} from './contracts/classifier.ts';
export type { Batch, BatchOptions, ImageSource } from './contracts/image-source.ts';
export { type Maximizer, perturbationOf } from './contracts/maximizer.ts';
export type { Objective, Problem } from './contracts/objective.ts';
export type { RandomSource } from './contracts/random-source.ts';
export type {
  Linearization,
  NominalPass,
  PerExampleLoss,
  Regularizer,
  TrainContext,
} from './contracts/regularizer.ts';
export type { ThreatModel } from './contracts/threat-model.ts';
export { type ConvexLoss, ggnQuadratic } from './curvature/generalized-gauss-newton.ts';
export { crossEntropyHessianFactor } from './curvature/hessian-factor.ts';
export {
  type JacobianVectorProduct,
  jacobianVectorProduct,
} from './curvature/jacobian-vector-product.ts';
export {
  type QuadraticModel,
  type QuadraticModelInput,
  quadraticModel,
  quadraticModelError,
} from './curvature/quadratic-model.ts';
export { fromFunction } from './from-function.ts';
export {
  type LinearityVariant,
  type LocalLinearity,
  linearityError,
  linearize,
  localLinearity,
  localLinearityObjective,
  maximizeLocalLinearity,
} from './local-linearity.ts';
export { crossEntropy } from './losses/cross-entropy.ts';
export {
  differenceOfLogitsRatio,
  targetedDifferenceOfLogitsRatio,
} from './losses/difference-of-logits-ratio.ts';
export { klDivergence } from './losses/kl-divergence.ts';
export { assertLabels, type Labels } from './losses/labels.ts';
export { margin, targetedMargin } from './losses/margin.ts';
export { squaredError } from './losses/squared-error.ts';
export { lossObjective, targetedObjective } from './objectives.ts';
export { dotPerExample } from './per-example.ts';
export { randomSource } from './random-source.ts';
export { adversarialTraining } from './regularizers/adversarial-training.ts';
export { type CureOptions, cure } from './regularizers/cure.ts';
export { type ElleOptions, elle } from './regularizers/elle.ts';
export { type GradAlignOptions, gradAlign } from './regularizers/grad-align.ts';
export { type LlrOptions, llr } from './regularizers/llr.ts';
export { problemOf } from './regularizers/problem-of.ts';
export { type TradesOptions, trades } from './regularizers/trades.ts';
export { l2Ball } from './threat-models/l2-ball.ts';
export { linfBall } from './threat-models/linf-ball.ts';
export { assertEpsilon, assertL2Epsilon } from './threat-models/radius.ts';
export { unreadableIndices } from './unreadable-indices.ts';
