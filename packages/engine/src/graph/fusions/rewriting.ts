import type { Value } from '../graph-builder.ts';
import { type Attribute, attribute, dataTypes, type NodeDef } from '../node-def.ts';

/** What a rewriting goes by: who makes a value, who uses it, and its shape. */
export class Rewriting {
  readonly nodes: readonly NodeDef[];
  readonly #values: ReadonlyMap<string, Value>;
  readonly #producers: ReadonlyMap<string, NodeDef>;
  #consumers: Map<string, NodeDef[]> | undefined;

  constructor(nodes: readonly NodeDef[], values: ReadonlyMap<string, Value>) {
    this.nodes = nodes;
    this.#values = values;
    this.#producers = new Map(nodes.map((node) => [node.name, node]));
  }

  /** The node behind a value, if it is of this kind. */
  producer(reference: string | undefined, ...ops: readonly string[]): NodeDef | undefined {
    const node = reference === undefined ? undefined : this.#producers.get(reference);
    return node && ops.includes(node.op) ? node : undefined;
  }

  consumers(reference: string): readonly NodeDef[] {
    this.#consumers ??= this.#findConsumers();
    return this.#consumers.get(reference) ?? [];
  }

  shape(reference: string): string {
    return `${this.#values.get(reference)?.shape}`;
  }

  /** Whether a value has one number for each channel, of another one. */
  perChannel(reference: string, of: string): boolean {
    const channels = this.#values.get(of)?.shape.at(-1);
    return channels !== undefined && this.shape(reference) === `${channels}`;
  }

  /** Whether a value is this constant. */
  isConstant(reference: string, ...numbers: readonly number[]): boolean {
    return `${this.#values.get(reference)?.numbers}` === `${numbers}`;
  }

  /** Makes a node another op. What it used before may have no use left; TensorFlow drops that. */
  replace(
    node: NodeDef,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): void {
    Object.assign(node, { op, inputs, attributes });
    this.#consumers = undefined;
  }

  #findConsumers(): Map<string, NodeDef[]> {
    const consumers = new Map<string, NodeDef[]>();
    for (const node of this.#live()) {
      for (const input of node.inputs) {
        const users = consumers.get(input);
        if (users) users.push(node);
        else consumers.set(input, [node]);
      }
    }
    return consumers;
  }

  /** The nodes that some output needs. */
  #live(): Iterable<NodeDef> {
    const live = new Set<NodeDef>();
    const waiting = this.nodes.filter(({ name, op }) => isEnd(name, op));
    for (let node = waiting.pop(); node; node = waiting.pop()) {
      if (live.has(node)) continue;
      live.add(node);
      for (const input of node.inputs) {
        const source = this.#producers.get(input.replace(/^\^/, '').replace(/:\d+$/, ''));
        if (source) waiting.push(source);
      }
    }
    return live;
  }
}

const isEnd = (name: string, op: string) =>
  op === 'AssignVariableOp' || op === 'NextIteration' || /\/(output_\d+|done)$/.test(name);

export const float = { T: attribute.type(dataTypes.float32) };
