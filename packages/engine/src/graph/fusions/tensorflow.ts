import { attribute } from '../node-def.ts';
import { float, type Rewriting } from './rewriting.ts';

/** dy · σ(x), which tfjs makes of softplus's gradient. */
export function softplusGradients(graph: Rewriting): void {
  for (const node of graph.nodes) {
    if (node.op !== 'Mul') continue;
    for (const [i, input] of node.inputs.entries()) {
      const sigmoid = graph.producer(input, 'Sigmoid');
      const dy = node.inputs[1 - i]!;
      if (!sigmoid || graph.shape(dy) !== graph.shape(input)) continue;
      graph.replace(node, 'SoftplusGrad', [dy, sigmoid.inputs[0]!], float);
      break;
    }
  }
}

/** dy · s · (1 − s), the gradient of s = σ(x). */
export function sigmoidGradients(graph: Rewriting): void {
  for (const node of graph.nodes) {
    if (node.op !== 'Mul') continue;
    const [dy, slope] = node.inputs as [string, string];
    const product = graph.producer(slope, 'Mul');
    const [s, rest] = product?.inputs ?? [];
    const complement = graph.producer(rest, 'Sub');
    if (!s || complement?.inputs[1] !== s || !graph.isConstant(complement.inputs[0]!, 1)) continue;
    if (graph.shape(dy) === graph.shape(s)) graph.replace(node, 'SigmoidGrad', [s, dy], float);
  }
}

/** What is added to each channel of a convolution, which TensorFlow then adds inside the convolution. */
export function biases(graph: Rewriting): void {
  for (const node of graph.nodes) {
    if (node.op !== 'Add' && node.op !== 'AddV2') continue;
    const [convolved, bias] = node.inputs as [string, string];
    if (!graph.producer(convolved, 'Conv2D') || graph.consumers(convolved).length !== 1) continue;
    if (!graph.perChannel(bias, convolved)) continue;
    const attributes = { ...float, data_format: attribute.string('NHWC') };
    graph.replace(node, 'BiasAdd', [convolved, bias], attributes);
  }
}
