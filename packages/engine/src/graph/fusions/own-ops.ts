import type { NodeDef } from '../node-def.ts';
import { float, type Rewriting } from './rewriting.ts';

/*
 * Ops of our own (native/fused_ops.cc), each one pass over memory where TensorFlow takes several.
 */

/** Softplus and its derivatives, in the order of `tensorflow.ts`'s fusions, which come first. */
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
    const [first, second] = ['LlrSoftplusGrad', 'LlrSoftplusGradGrad'].map((op) =>
      node.inputs
        .map((input) => graph.producer(input, op))
        .find((found) => found && graph.consumers(found.name).length === 1),
    );
    if (!first || !second || first.inputs[1] !== second.inputs[2]) continue;
    const [dy, x] = first.inputs as [string, string];
    const [u, v] = second.inputs as [string, string];
    graph.replace(node, 'LlrSoftplusSecondGrad', [dy, x, u, v]);
  }
}

/** Where softplus's ops have what it is taken of, and what they are called when that is x · scale + shift. */
const ofAffine: Record<string, { argument: number; op: string }> = {
  LlrSoftplus: { argument: 0, op: 'LlrAffineSoftplus' },
  LlrSoftplusGrad: { argument: 1, op: 'LlrAffineSoftplusSlope' },
  LlrSoftplusGradGrad: { argument: 2, op: 'LlrAffineSoftplusGradGrad' },
  LlrSoftplusSecondGrad: { argument: 1, op: 'LlrAffineSoftplusSecondGrad' },
};

interface Affine {
  sum: NodeDef;
  x: string;
  scale: string;
  shift: string;
}

/**
 * x · scale + shift per channel, as batch normalisation makes it. Where only softplus and its derivatives use it,
 * they take its parts instead, and it is never in memory.
 */
export function affine(graph: Rewriting): void {
  for (const node of graph.nodes) {
    const parts = affineOf(node, graph);
    if (!parts) continue;
    const { sum, x, scale, shift } = parts;
    const users = graph.consumers(sum.name);
    const fits = users.every(({ op, inputs }) => {
      const { argument } = ofAffine[op] ?? {};
      return inputs.every((input, i) => (input === sum.name) === (i === argument));
    });
    if (!fits) {
      graph.replace(sum, 'LlrAffine', [x, scale, shift]);
      continue;
    }
    for (const user of users) {
      const { op } = ofAffine[user.op]!;
      const inputs = user.inputs.map((input) => (input === sum.name ? x : input));
      if (!scaledSlope(graph, user, inputs, { scale, shift })) {
        graph.replace(user, op, [...inputs, scale, shift]);
      }
    }
  }
}

function affineOf(sum: NodeDef, graph: Rewriting): Affine | undefined {
  if (sum.op !== 'Add' && sum.op !== 'AddV2') return undefined;
  const [scaled, shift] = sum.inputs as [string, string];
  const product = graph.producer(scaled, 'Mul');
  if (!product || graph.consumers(scaled).length !== 1) return undefined;
  const [x, scale] = product.inputs as [string, string];
  if (graph.shape(x) !== graph.shape(sum.name)) return undefined;
  if (!graph.perChannel(scale, x) || !graph.perChannel(shift, x)) return undefined;
  return { sum, x, scale, shift };
}

/** The gradient in x rather than in the sum, if that is all that the gradient in the sum is for. */
function scaledSlope(
  graph: Rewriting,
  slope: NodeDef,
  [dy, x]: readonly string[],
  { scale, shift }: Pick<Affine, 'scale' | 'shift'>,
): boolean {
  if (slope.op !== 'LlrSoftplusGrad') return false;
  const [scaled, ...others] = graph.consumers(slope.name);
  if (scaled?.op !== 'Mul' || !scaled.inputs.includes(scale) || others.length > 0) return false;
  graph.replace(scaled, 'LlrAffineSoftplusGrad', [dy!, x!, scale, shift]);
  return true;
}

/** The gradients in an affine map's shift and scale: Σ dy and Σ dy · x over all but the channels, in one pass. */
export function channelSums(graph: Rewriting): void {
  for (const node of graph.nodes) {
    if (!sumsToChannels(node, graph)) continue;
    const product = graph.producer(node.inputs[0], 'Mul');
    if (!product || graph.consumers(product.name).length !== 1) continue;
    const [a, b] = product.inputs as [string, string];
    if (graph.shape(a) !== graph.shape(b)) continue;
    for (const [alone, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const plain = graph.consumers(alone).find((user) => sumsToChannels(user, graph));
      if (!plain) continue;
      graph.replace(plain, 'LlrChannelSums', [alone, other]);
      graph.replace(node, 'Identity', [`${plain.name}:1`], float);
      break;
    }
  }
}

const sumsToChannels = ({ op, inputs, name }: NodeDef, graph: Rewriting) =>
  op === 'Sum' && graph.isConstant(inputs[1]!, 0, 1, 2) && graph.perChannel(name, inputs[0]!);
