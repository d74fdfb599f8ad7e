export type { TrainCallback, TrainProgress, TrainStart } from './callbacks.ts';
export { type ContextInput, createTrainContext } from './context.ts';
export {
  type CheckpointOptions,
  defineExperiment,
  type Experiment,
  type ExperimentData,
  type ModelRequest,
  type TrainOptions,
  type ValidationOptions,
  type Variant,
  warningsAbout,
} from './experiment.ts';
export { type GitCommit, gitCommit } from './git-commit.ts';
export { type MovingAverages, movingAverages } from './moving-averages.ts';
export type { NamedVariable } from './named-variable.ts';
export { nominalWeightOf } from './nominal-weight.ts';
export { type OptimizerDescription, optimizerOf } from './optimizers/optimizer-of.ts';
export { sgd } from './optimizers/sgd.ts';
export type { WeightOptimizer, WeightOptimizerFactory } from './optimizers/weight-optimizer.ts';
export { rank0 } from './parallel/everyone.ts';
export { joinWorld } from './parallel/join-world.ts';
export { isShared } from './parallel/shared-failure.ts';
export { alone, type World } from './parallel/world.ts';
export { experimentFrom } from './plain/experiment-from.ts';
export type { Load } from './plain/kind.ts';
export { withOverrides } from './plain/overrides.ts';
export { parseExperiment } from './plain/parse-experiment.ts';
export type { Described, FromModule, Named, PlainExperiment } from './plain/plain-experiment.ts';
export { type PlanOptions, planTraining, type TrainingPlan } from './plan.ts';
export { prefetch } from './prefetch.ts';
export { presetNamed, presets } from './presets/index.ts';
export { type Preset, type Scale, type Sources, scales } from './presets/preset.ts';
export { printPreset } from './presets/print-preset.ts';
export {
  type PublishedColumn,
  type PublishedRow,
  type PublishedTable,
  publishedTables,
} from './presets/published.ts';
export {
  type MetricsLine,
  type RunRecord,
  readRun,
  runFiles,
  writeJson,
} from './run-directory.ts';
export type { RunSettings } from './run-settings.ts';
export { type RunSource, runSource } from './run-source.ts';
export { cosineDecay, type EpochSchedule, linearRamp, stepDecay } from './schedules.ts';
export type { StageTimes } from './stage-times.ts';
export { createStepper, type Stepper, type StepperOptions } from './stepper.ts';
export { tensorBoard } from './tensorboard/tensor-board.ts';
export { type ThreatDescription, threatModel } from './threat.ts';
export { type TrainResult, type TrainRunOptions, train } from './train.ts';
export { type StepInput, type StepMetrics, type StepSetup, trainStep } from './train-step.ts';
export { dataOf } from './training-data.ts';
export { TrainingStopped } from './training-stopped.ts';
export { version } from './version.ts';
