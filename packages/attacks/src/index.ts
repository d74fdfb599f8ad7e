export { type AdversarialExample, adversarialExamples } from './adversarial-examples.ts';
export { type ApgdOptions, apgd } from './apgd.ts';
export { type ApgdTargetedOptions, apgdTargeted } from './apgd-targeted.ts';
export { type EvaluateOptions, evaluate } from './evaluate.ts';
export { type Accuracy, accuracyOf } from './evaluation/accuracy.ts';
export type { AdversarialImage, BegunTry, Journal, JournalEntry } from './evaluation/journal.ts';
export type { ActiveSet } from './evaluation/plan.ts';
export type { EvaluationProgress, OnProgress } from './evaluation/progress.ts';
export type { AttackResult, Evaluation, ExampleResult } from './evaluation/result.ts';
export type { EvaluationOptions } from './evaluation/setting.ts';
export { type FgsmOptions, fgsm } from './fgsm.ts';
export { leastLikely } from './least-likely.ts';
export { mergeEvaluations } from './merge-evaluations.ts';
export { multiTargeted } from './multi-targeted.ts';
export { type PaperSuiteOptions, paperSuite } from './paper-suite.ts';
export { type PgdOptions, pgd } from './pgd.ts';
export { randomTargeted } from './random-targeted.ts';
export {
  type CheckedBatch,
  checkClassifier,
  checkOutcome,
  type Outcome,
  type Warning,
} from './self-checks.ts';
export { type SquareOptions, square } from './square.ts';
export { type StandardSuiteOptions, standardSuite } from './standard-suite.ts';
export type { TargetedOptions } from './targeted-attack.ts';
export { untargeted } from './untargeted.ts';
