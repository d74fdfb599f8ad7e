import {
  add,
  elu,
  erf,
  mul,
  relu,
  sigmoid,
  softplus,
  type Tensor,
  tanh,
} from '@tensorflow/tfjs-core';

const activations = {
  softplus,
  relu,
  elu,
  /** x·sigmoid(x), also called swish: of DeepMind's later robust networks. */
  silu: <T extends Tensor>(x: T): T => mul(x, sigmoid(x)),
  /** The exact one, not its approximation by tanh. */
  gelu: <T extends Tensor>(x: T): T => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
  tanh,
} satisfies Record<string, <T extends Tensor>(x: T) => T>;

/** Softplus is smooth, so that the loss has a curvature to regularise; the paper's networks use it. */
export type Activation = keyof typeof activations;

export const activationNames = Object.keys(activations) as readonly Activation[];

/** The function of that name, elementwise. */
export const activationOf = (name: Activation): (<T extends Tensor>(x: T) => T) =>
  activations[name];
