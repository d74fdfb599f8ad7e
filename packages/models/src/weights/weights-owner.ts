import type { TrainableClassifier } from '@llr/core';
import type { ModelConfig, NamedVariable } from '../configured-classifier.ts';

/** Any trainable classifier; its running statistics, where it has some, are part of its weights. */
export type WeightsOwner = Pick<TrainableClassifier, 'name' | 'parameters'> & {
  readonly runningStatistics?: readonly NamedVariable[];
};

/**
 * Its parameters and running statistics.
 *
 * @throws when two have the same name, or one holds no float32
 */
export function variablesOf(model: WeightsOwner): readonly NamedVariable[] {
  const variables = [...model.parameters, ...(model.runningStatistics ?? [])];
  const names = new Set<string>();
  for (const { name, variable } of variables) {
    if (names.has(name)) throw new Error(`${model.name} has two variables named ${name}.`);
    names.add(name);
    if (variable.dtype === 'float32') continue;
    throw new Error(`${model.name}: ${name} is ${variable.dtype}; weights are float32.`);
  }
  return variables;
}

/** How it was built, if it is one of this package's. */
export function configOf(model: WeightsOwner): ModelConfig | undefined {
  return 'config' in model ? (model.config as ModelConfig) : undefined;
}
