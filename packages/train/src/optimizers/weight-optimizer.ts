import type { Parameter } from '@llr/core';
import type { NamedTensorMap } from '@tensorflow/tfjs-core';

/** Moves parameters against their gradients. Its state lives as long as the training. */
export interface WeightOptimizer {
  /** One step; gradients by the name of the parameter's variable. */
  apply(gradients: NamedTensorMap, learningRate: number): void;
  dispose(): void;
}

/** Makes the optimiser of a network's parameters. */
export type WeightOptimizerFactory = (parameters: readonly Parameter[]) => WeightOptimizer;
