export { type Accuracy, accuracyOf } from './accuracy.ts';
export { type AdversarialExample, adversarialExamples } from './adversarial-examples.ts';
export { type AttackResult, type Evaluation, type ExampleResult, evaluate } from './evaluate.ts';
export { type FgsmOptions, fgsm } from './fgsm.ts';
export { type MultiTargetedOptions, multiTargeted } from './multi-targeted.ts';
export { type PgdOptions, pgd } from './pgd.ts';
export type { EvaluationProgress, OnProgress } from './progress.ts';
export type { EvaluationOptions } from './setting.ts';
export { untargeted } from './untargeted.ts';
