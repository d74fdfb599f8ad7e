import { type Tensor, type TensorContainer, tidy } from '@tensorflow/tfjs-core';

/**
 * Makes a hot function of tensors out of an ordinary one. Whatever changes from call to call (radius,
 * learning rate, step) must come in as a tensor; the caller owns what comes out, and inputs are never
 * disposed of. Every engine runs it eagerly, freeing all intermediate tensors when it returns.
 */
export function compile<Inputs extends readonly Tensor[], Output extends TensorContainer>(
  fn: (...inputs: Inputs) => Output,
): (...inputs: Inputs) => Output {
  return (...inputs) => tidy(() => fn(...inputs));
}
