import type { Parameter } from '@llr/core';
import { add, mul, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';

/** The gradient of the objective plus ½·weightDecay·‖θ‖² for a parameter that decays. */
export function regularizedGradient(
  { name, variable, decay }: Parameter,
  gradients: NamedTensorMap,
  weightDecay: number,
): Tensor {
  const gradient = gradients[variable.name];
  if (!gradient) throw new Error(`No gradient was found for the parameter ${name}.`);
  return decay && weightDecay > 0 ? add(gradient, mul(variable, weightDecay)) : gradient;
}
