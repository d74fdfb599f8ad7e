import type { Value } from '../graph-builder.ts';
import { type Attribute, attribute, dataTypes, type NodeDef } from '../node-def.ts';

/** What a rewriting goes by: who makes a value, who uses it, and its shape. */
export class Rewriting {
  readonly nodes: readonly NodeDef[];
  readonly #values: ReadonlyMap<string, Value>;
  readonly #producers: ReadonlyMap<string, NodeDef>;
  /** Who uses a value, among the nodes that some output needs. */
  readonly #consumers = new Map<string, NodeDef[]>();
  /** How often a node's values are used by those. */
  readonly #uses = new Map<NodeDef, number>();

  constructor(nodes: readonly NodeDef[], values: ReadonlyMap<string, Value>) {
    this.nodes = nodes;
    this.#values = values;
    this.#producers = new Map(nodes.map((node) => [node.name, node]));
    for (const node of nodes.filter(isEnd)) this.#use(node);
  }

  /** The node behind a value, if it is of this kind. */
  producer(reference: string | undefined, ...ops: readonly string[]): NodeDef | undefined {
    const node = reference === undefined ? undefined : this.#producers.get(reference);
    return node && ops.includes(node.op) ? node : undefined;
  }

  consumers(reference: string): readonly NodeDef[] {
    return [...(this.#consumers.get(reference) ?? [])];
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
    const before = node.inputs;
    Object.assign(node, { op, inputs, attributes });
    if (!this.#isUsed(node)) return;
    this.#use(node);
    this.#release(node, before);
  }

  #isUsed(node: NodeDef): boolean {
    return isEnd(node) || (this.#uses.get(node) ?? 0) > 0;
  }

  /** Counts what a node uses, and what is used by what comes into use so. */
  #use(first: NodeDef): void {
    const waiting = [first];
    for (let user = waiting.pop(); user; user = waiting.pop()) {
      for (const input of user.inputs) {
        const users = this.#consumers.get(input);
        if (users) users.push(user);
        else this.#consumers.set(input, [user]);
        const source = this.#source(input);
        if (!source) continue;
        if (!this.#isUsed(source)) waiting.push(source);
        this.#uses.set(source, (this.#uses.get(source) ?? 0) + 1);
      }
    }
  }

  /** Takes back what a node used, and what was used by what goes out of use so. */
  #release(first: NodeDef, inputs: readonly string[]): void {
    const waiting = [{ user: first, inputs }];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      for (const input of next.inputs) {
        const users = this.#consumers.get(input)!;
        users.splice(users.indexOf(next.user), 1);
        const source = this.#source(input);
        if (!source) continue;
        this.#uses.set(source, this.#uses.get(source)! - 1);
        if (!this.#isUsed(source)) waiting.push({ user: source, inputs: source.inputs });
      }
    }
  }

  #source(input: string): NodeDef | undefined {
    return this.#producers.get(input.replace(/^\^/, '').replace(/:\d+$/, ''));
  }
}

/** Whether a node is there for what it does, or is fetched. */
const isEnd = ({ name, op }: NodeDef) =>
  op === 'AssignVariableOp' || op === 'NextIteration' || /\/(output_\d+|done)$/.test(name);

export const float = { T: attribute.type(dataTypes.float32) };
