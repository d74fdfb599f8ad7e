import {
  type Attribute,
  attribute,
  type DataTypeNumber,
  dataTypes,
  type NodeDef,
} from './node-def.ts';
import type { Bytes } from './protobuf.ts';

/** The inside of a loop. Values made outside enter it; those made inside leave it through an exit. */
export interface Frame {
  readonly name: string;
  readonly depth: number;
  readonly parent: Frame | undefined;
}

/** An output of a node: how others refer to it, where it lives, and what it is. */
export interface Value {
  readonly reference: string;
  readonly frame: Frame | undefined;
  readonly dtype: DataTypeNumber;
  readonly shape: readonly number[];
  /** Of a small constant: which. */
  readonly numbers?: readonly number[];
}

const depthOf = (frame: Frame | undefined) => frame?.depth ?? 0;

/**
 * Collects the nodes of a graph. A node lives in the innermost loop that any of its inputs lives in, so
 * whatever doesn't depend on a loop's state is computed once, before the loop.
 */
export class GraphBuilder {
  readonly nodes: NodeDef[] = [];
  readonly values = new Map<string, Value>();
  readonly prefix: string;
  readonly #entered = new Map<string, Value>();
  readonly #constants = new Map<string, Value>();
  #count = 0;

  /** @param name - what the nodes' names begin with */
  constructor(name: string) {
    this.prefix = name.replace(/[^\w./-]/g, '_');
  }

  /** Adds a node; gives its outputs. */
  add(
    op: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: readonly Pick<Value, 'dtype' | 'shape'>[],
    options: { name?: string; after?: readonly string[] } = {},
  ): Value[] {
    const frame = inputs.reduce<Frame | undefined>(
      (deepest, input) => (depthOf(input.frame) > depthOf(deepest) ? input.frame : deepest),
      undefined,
    );
    const references = inputs.map((input) => this.inside(input, frame).reference);
    const name = `${this.prefix}/${options.name ?? `${op}_${this.#count++}`}`;
    const controls = (options.after ?? []).map((node) => `^${node}`);
    this.nodes.push({ name, op, inputs: [...references, ...controls], attributes });
    return outputs.map(({ dtype, shape }, i) =>
      this.#known({ reference: i === 0 ? name : `${name}:${i}`, frame, dtype, shape }),
    );
  }

  placeholder(name: string, dtype: DataTypeNumber, shape: readonly number[]): Value {
    const attributes = { dtype: attribute.type(dtype), shape: attribute.shape(shape) };
    return this.add('Placeholder', [], attributes, [{ dtype, shape }], { name })[0]!;
  }

  constant(dtype: DataTypeNumber, shape: readonly number[], content: Bytes): Value {
    const small = content.length <= 256;
    const key = small ? `${dtype}[${shape}]${content}` : '';
    const known = small && this.#constants.get(key);
    if (known) return known;
    const made = this.#known({
      ...(uniformWord(dtype, content)
        ? this.#filled(dtype, shape, content)
        : this.#literal(dtype, shape, content)),
      ...(small && { numbers: numbersIn(dtype, content) }),
    });
    if (small) this.#constants.set(key, made);
    return made;
  }

  int32(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    const content = new Uint8Array(Int32Array.from(values).buffer);
    return this.#literal(dataTypes.int32, shape, content);
  }

  /** A value as seen inside a frame at or below its own. */
  inside(value: Value, frame: Frame | undefined): Value {
    if (value.frame === frame || !frame) return value;
    const outer = this.inside(value, frame.parent);
    const key = `${frame.name}<${outer.reference}`;
    const known = this.#entered.get(key);
    if (known) return known;
    const entered = this.enter(outer, frame, true);
    this.#entered.set(key, entered);
    return entered;
  }

  enter(value: Value, frame: Frame, constant: boolean): Value {
    const attributes = {
      T: attribute.type(value.dtype),
      frame_name: attribute.string(frame.name),
      is_constant: attribute.boolean(constant),
      parallel_iterations: attribute.integer(1),
    };
    const { reference } = this.inside(value, frame.parent);
    return this.place('Enter', [reference], attributes, { ...value, frame });
  }

  /** A node whose frame and inputs the caller knows better, as at the edges of a loop. */
  place(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    value: Omit<Value, 'reference'>,
    name = `${op}_${this.#count++}`,
  ): Value {
    const whole = `${this.prefix}/${name}`;
    this.nodes.push({ name: whole, op, inputs, attributes });
    return this.#known({ ...value, reference: whole });
  }

  #known(value: Value): Value {
    this.values.set(value.reference, value);
    return value;
  }

  /** A name that no other node of this graph has. */
  unique(what: string): string {
    return `${what}_${this.#count++}`;
  }

  #literal(dtype: DataTypeNumber, shape: readonly number[], content: Bytes): Value {
    const attributes = {
      dtype: attribute.type(dtype),
      value: attribute.tensor(dtype, shape, content),
    };
    return this.add('Const', [], attributes, [{ dtype, shape }])[0]!;
  }

  /** One number everywhere, so that the graph doesn't hold it a million times. */
  #filled(dtype: DataTypeNumber, shape: readonly number[], content: Bytes): Value {
    const size = this.int32([...shape]);
    const value = this.#literal(dtype, [], content.slice(0, 4));
    const attributes = { T: attribute.type(dtype), index_type: attribute.type(dataTypes.int32) };
    return this.add('Fill', [size, value], attributes, [{ dtype, shape }])[0]!;
  }
}

function numbersIn(dtype: DataTypeNumber, content: Bytes): readonly number[] {
  const { buffer } = content.slice();
  if (dtype === dataTypes.float32) return Array.from(new Float32Array(buffer));
  return dtype === dataTypes.int32 ? Array.from(new Int32Array(buffer)) : [];
}

function uniformWord(dtype: DataTypeNumber, content: Bytes): boolean {
  if (content.length <= 1024 || (dtype !== dataTypes.float32 && dtype !== dataTypes.int32)) {
    return false;
  }
  const words = new Uint32Array(content.slice().buffer);
  return words.every((word) => word === words[0]);
}
