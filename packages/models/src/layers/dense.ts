import { add, matMul, type Tensor2D } from '@tensorflow/tfjs-core';
import type { NetworkVariables } from '../network-variables.ts';

/** A fully connected layer `[b, from]` to `[b, to]`; variables `name/weights` and `name/bias`. */
export function dense(
  variables: NetworkVariables,
  name: string,
  { from, to }: { from: number; to: number },
): (x: Tensor2D) => Tensor2D {
  const weights = variables.weights(`${name}/weights`, [from, to], from);
  const bias = variables.filled(`${name}/bias`, [to], 0);
  return (x) => add(matMul(x, weights), bias);
}
