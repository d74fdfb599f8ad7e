import type { Parameter } from '@llr/core';
import type { NamedTensorMap, Scalar } from '@tensorflow/tfjs-core';
import type { NamedVariable } from '../named-variable.ts';

/** Moves parameters against their gradients. Its state lives as long as the training. */
export interface WeightOptimizer {
  /** All that it remembers from step to step, by names that no two have in common. */
  readonly state: readonly NamedVariable[];
  /** One step; gradients by the name of the parameter's variable. */
  apply(gradients: NamedTensorMap, learningRate: Scalar | number): void;
  dispose(): void;
}

/** Makes the optimiser of a network's parameters. */
export type WeightOptimizerFactory = (parameters: readonly Parameter[]) => WeightOptimizer;
