import { add, matMul, type Tensor2D } from '@tensorflow/tfjs-core';
import type { NetworkBuilder } from '../network-builder.ts';

/** A fully connected layer `[b, from]` to `[b, to]`; variables `name/weights` and `name/bias`. */
export function dense(
  network: NetworkBuilder,
  name: string,
  { from, to }: { from: number; to: number },
): (x: Tensor2D) => Tensor2D {
  const weights = network.weights(`${name}/weights`, [from, to], from);
  const bias = network.filled(`${name}/bias`, [to], 0);
  network.layers.push({
    name,
    kind: 'dense',
    outputShape: [to],
    parameters: weights.size + bias.size,
    multiplyAdds: weights.size,
  });
  return (x) => add(matMul(x, weights), bias);
}
