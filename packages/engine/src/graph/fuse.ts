import type { Value } from './graph-builder.ts';
import { attribute, dataTypes, type NodeDef } from './node-def.ts';

/** A graph while it is rewritten: its nodes by name, how often each is used, and what is known of its values. */
interface Graph {
  readonly nodes: readonly NodeDef[];
  producer(reference: string): NodeDef | undefined;
  uses(reference: string): number;
  describe(reference: string): Value | undefined;
}

/** Replaces a node by one that does its inputs' work too, where it can; TensorFlow drops what isn't used any more. */
type Fusion = (node: NodeDef, graph: Graph) => void;

const float = { T: attribute.type(dataTypes.float32) };

const sameShape = (graph: Graph, a: string, b: string): boolean => {
  const shapes = [graph.describe(a)?.shape, graph.describe(b)?.shape];
  return shapes[0] !== undefined && `${shapes[0]}` === `${shapes[1]}`;
};

/** dy · sigmoid(x), which tfjs makes of softplus's gradient, in one op. */
const softplusGradient: Fusion = (node, graph) => {
  if (node.op !== 'Mul') return;
  for (const [i, input] of node.inputs.entries()) {
    const sigmoid = graph.producer(input);
    const dy = node.inputs[1 - i]!;
    if (sigmoid?.op !== 'Sigmoid' || !sameShape(graph, dy, input)) continue;
    Object.assign(node, {
      op: 'SoftplusGrad',
      inputs: [dy, sigmoid.inputs[0]!],
      attributes: float,
    });
    return;
  }
};

/** What is added to each channel of a convolution, which TensorFlow then adds inside the convolution. */
const bias: Fusion = (node, graph) => {
  if (node.op !== 'Add' && node.op !== 'AddV2') return;
  const [convolved, added] = node.inputs as [string, string];
  if (graph.producer(convolved)?.op !== 'Conv2D' || graph.uses(convolved) !== 1) return;
  const channels = graph.describe(convolved)?.shape.at(-1);
  if (`${graph.describe(added)?.shape}` !== `${channels}`) return;
  const attributes = { ...float, data_format: attribute.string('NHWC') };
  Object.assign(node, { op: 'BiasAdd', attributes });
};

const fusions: readonly Fusion[] = [softplusGradient, bias];

/** Joins ops that TensorFlow has a single op for. */
export function fuse(nodes: readonly NodeDef[], values: ReadonlyMap<string, Value>): void {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const counts = new Map<string, number>();
  for (const { inputs } of nodes) {
    for (const input of inputs) counts.set(input, (counts.get(input) ?? 0) + 1);
  }
  const graph: Graph = {
    nodes,
    producer: (reference) => byName.get(reference),
    uses: (reference) => counts.get(reference) ?? 0,
    describe: (reference) => values.get(reference),
  };
  for (const fusion of fusions) for (const node of nodes) fusion(node, graph);
}
