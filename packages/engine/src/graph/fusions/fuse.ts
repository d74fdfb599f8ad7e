import type { Value } from '../graph-builder.ts';
import type { NodeDef } from '../node-def.ts';
import { affine, softplus, softplusSecondGradients } from './own-ops.ts';
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
    softplusGradients,
    sigmoidGradients,
    biases,
    ...(hasOwnOps ? [affine, softplus, softplusSecondGradients] : []),
  ];
  for (const fusion of fusions) fusion(graph);
}
