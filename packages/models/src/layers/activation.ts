import { relu, softplus, type Tensor } from '@tensorflow/tfjs-core';

const activations = { softplus, relu } satisfies Record<string, <T extends Tensor>(x: T) => T>;

/** Softplus is smooth, so that the loss has a curvature to regularise; the paper's networks use it. */
export type Activation = keyof typeof activations;

export const activationNames = Object.keys(activations) as readonly Activation[];

/** The function of that name, elementwise. */
export const activationOf = (name: Activation): (<T extends Tensor>(x: T) => T) =>
  activations[name];
