interface GraphNode {
  readonly op: string;
  readonly inputNames: readonly string[];
}

/** A `tf.GraphModel`'s outputs, and where it keeps its nodes. */
interface Graph {
  readonly outputs: readonly { readonly name: string }[];
  readonly outputNodes: readonly string[];
  readonly modelSignature?: { readonly outputs?: Readonly<Record<string, { name?: string }>> };
  readonly executor?: { readonly graph?: { readonly nodes?: Readonly<Record<string, GraphNode>> } };
}

/** Nodes after which probabilities are still the same numbers. */
const passing = new Set(['Identity', 'Reshape', 'Squeeze']);

/**
 * The node to execute for logits: what goes into the Softmax that gives the output, or else the output itself.
 *
 * @param output - a node, or an output of the signature; default the model's only one
 * @throws Error when there is no such node
 */
export function logitsNode(model: object, output: string | undefined): string {
  const { outputs, outputNodes, modelSignature, executor } = model as Graph;
  const asked =
    output === undefined ? outputs[0]!.name : (modelSignature?.outputs?.[output]?.name ?? output);
  const nodes = executor?.graph?.nodes ?? {};
  const nodeOf = (reference: string) => nodes[reference.split(':')[0]!];
  if (output !== undefined && !nodeOf(asked)) {
    throw new Error(
      `The graph has no node ${output}. Its last nodes are ${Object.keys(nodes).slice(-8).join(', ')}.`,
    );
  }
  let node = nodeOf(asked);
  while (node && passing.has(node.op)) node = nodeOf(node.inputNames[0]!);
  return node?.op === 'Softmax' ? node.inputNames[0]! : (output ?? outputNodes[0]!);
}
