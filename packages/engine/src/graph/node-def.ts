import { type Bytes, concat, float, integer, message, string, varint } from './protobuf.ts';

/** TensorFlow's numbers for the types of tensors (`types.proto`). */
export const dataTypes = {
  float32: 1,
  int32: 3,
  string: 7,
  int64: 9,
  bool: 10,
  resource: 20,
  bfloat16: 14,
} as const;

export type DataTypeNumber = number;

/** An attribute of an op, encoded as an `AttrValue`. */
export type Attribute = Bytes;

const shapeOf = (shape: readonly number[]): Bytes =>
  concat(...shape.map((size) => message(2, integer(1, size))));

export const attribute = {
  type: (dtype: DataTypeNumber): Attribute => integer(6, dtype),
  types: (dtypes: readonly DataTypeNumber[]): Attribute =>
    message(1, message(6, ...dtypes.map(varint))),
  shape: (shape: readonly number[]): Attribute => message(7, shapeOf(shape)),
  integer: (value: number): Attribute => integer(3, value),
  integers: (values: readonly number[]): Attribute => message(1, message(3, ...values.map(varint))),
  float: (value: number): Attribute => float(4, value),
  boolean: (value: boolean): Attribute => integer(5, value ? 1 : 0),
  string: (value: string): Attribute => string(2, value),
  tensor: (dtype: DataTypeNumber, shape: readonly number[], content: Bytes): Attribute =>
    message(8, integer(1, dtype), message(2, shapeOf(shape)), message(4, content)),
};

/** One op of a graph. */
export interface NodeDef {
  readonly name: string;
  op: string;
  /** `node`, `node:1` for a further output, `^node` for what must only have run before. */
  inputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

const encoded = ({ name, op, inputs, attributes }: NodeDef): Bytes =>
  concat(
    string(1, name),
    string(2, op),
    ...inputs.map((input) => string(3, input)),
    ...Object.entries(attributes).map(([key, value]) =>
      message(5, string(1, key), message(2, value)),
    ),
  );

/** The graph as a SavedModel of one meta graph, tagged `serve`: the one form that tfjs-node's addon loads. */
export function savedModel(nodes: readonly NodeDef[]): Bytes {
  const producer = message(4, integer(1, 2000), integer(2, 12));
  const graph = concat(...nodes.map((node) => message(1, encoded(node))), producer);
  return concat(integer(1, 1), message(2, message(1, string(4, 'serve')), message(2, graph)));
}
