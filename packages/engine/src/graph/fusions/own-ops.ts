import type { NodeDef } from '../node-def.ts';
import type { Rewriting } from './rewriting.ts';

/*
 * Ops of our own (native/fused_ops.cc), each one pass over memory where TensorFlow takes several.
 */

/** x · scale + shift per channel, alone or under a softplus, whose gradient then doesn't need the sum either. */
export function affine(graph: Rewriting): void {
  for (const node of graph.nodes) {
    if (node.op !== 'Add' && node.op !== 'AddV2') continue;
    const [scaled, shift] = node.inputs as [string, string];
    const product = graph.producer(scaled, 'Mul');
    if (!product || graph.consumers(scaled).length !== 1) continue;
    const [x, scale] = product.inputs as [string, string];
    if (graph.shape(x) !== graph.shape(node.name)) continue;
    if (!graph.perChannel(scale, x) || !graph.perChannel(shift, x)) continue;
    underSoftplus(graph, node, [x, scale, shift]);
    graph.replace(node, 'LlrAffine', [x, scale, shift]);
  }
}

/** Where only a softplus and its gradient use a sum, they take its parts instead. */
function underSoftplus(graph: Rewriting, sum: NodeDef, parts: readonly [string, string, string]) {
  const uses = graph.consumers(sum.name).map((user) => {
    if (user.op === 'Softplus') return { user };
    const isGradient = user.op === 'SoftplusGrad' && user.inputs[1] === sum.name;
    const [scaled, ...others] = graph.consumers(user.name);
    const scales = scaled?.op === 'Mul' && scaled.inputs.includes(parts[1]);
    return isGradient && scales && others.length === 0 ? { user, scaled } : undefined;
  });
  if (!uses.every((use) => use !== undefined)) return;
  for (const { user, scaled } of uses) {
    if (scaled) graph.replace(scaled, 'LlrAffineSoftplusGrad', [user.inputs[0]!, ...parts]);
    else graph.replace(user, 'LlrAffineSoftplus', parts);
  }
}

export function softplus(graph: Rewriting): void {
  for (const node of graph.nodes) {
    if (node.op === 'Softplus') graph.replace(node, 'LlrSoftplus', node.inputs);
    if (node.op === 'SoftplusGrad') graph.replace(node, 'LlrSoftplusGrad', node.inputs);
  }
}

/** What v · σ(x) passes on to x given u, u · v · σ(x) · (1 − σ(x)), and with it what else x is passed: dy · σ(x). */
export function softplusSecondGradients(graph: Rewriting): void {
  for (const node of graph.nodes) {
    if (node.op !== 'SigmoidGrad') continue;
    const [s, dy] = node.inputs as [string, string];
    const sigmoid = graph.producer(s, 'Sigmoid');
    const product = graph.producer(dy, 'Mul');
    if (!sigmoid || !product || graph.consumers(dy).length !== 1) continue;
    const [u, v] = product.inputs as [string, string];
    if (graph.shape(u) !== graph.shape(v)) continue;
    graph.replace(node, 'LlrSoftplusGradGrad', [u, v, sigmoid.inputs[0]!]);
  }
  for (const node of graph.nodes) {
    if (node.op !== 'Add' && node.op !== 'AddV2') continue;
    const parts = ['LlrSoftplusGrad', 'LlrSoftplusGradGrad'].map((op) =>
      node.inputs
        .map((input) => graph.producer(input, op))
        .find((found) => found && graph.consumers(found.name).length === 1),
    );
    const [first, second] = parts;
    if (!first || !second || first.inputs[1] !== second.inputs[2]) continue;
    const [dy, x] = first.inputs as [string, string];
    const [u, v] = second.inputs as [string, string];
    graph.replace(node, 'LlrSoftplusSecondGrad', [dy, x, u, v]);
  }
}
