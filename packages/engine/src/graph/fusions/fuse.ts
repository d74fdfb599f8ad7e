import type { Value } from '../graph-builder.ts';
import type { NodeDef } from '../node-def.ts';
import { affine, channelSums, softplus, softplusSecondGradients } from './own-ops.ts';
import { Rewriting } from './rewriting.ts';
import { biases, sigmoidGradients, softplusGradients } from './tensorflow.ts';

/**
 * Joins ops that there is a single op for: TensorFlow's, and our own where the addon has them. Convolutions take
 * most of a step; this is about the rest, which is bound by memory.
 */
export function fuse(
  nodes: readonly NodeDef[],
  values: ReadonlyMap<string, Value>,
  hasOwnOps: boolean,
): void {
  const graph = new Rewriting(nodes, values);
  const fusions = [
    // First, while the slope s · (1 − s) is still a plain product.
    sigmoidGradients,
    softplusGradients,
    biases,
    ...(hasOwnOps ? [softplus, softplusSecondGradients, affine, channelSums] : []),
  ];
  for (const fusion of fusions) fusion(graph);
}
