import type { DataTypeNumber } from './node-def.ts';
import { dataTypes } from './node-def.ts';

/** What is known of a tensor while a function is compiled. */
export interface Description {
  readonly shape: readonly number[];
  readonly dtype: DataTypeNumber;
}

/** An input of an op; small ones made in JavaScript are known by value. */
export interface DescribedInput extends Description {
  readonly values?: ArrayLike<number> | undefined;
}

export type OpAttributes = Readonly<Record<string, unknown>>;

type Rule = (
  inputs: readonly DescribedInput[],
  attributes: OpAttributes,
) => Description | undefined;

const like =
  (input: number, dtype?: DataTypeNumber): Rule =>
  (inputs) => ({ shape: inputs[input]!.shape, dtype: dtype ?? inputs[input]!.dtype });

const broadcast =
  (dtype?: DataTypeNumber): Rule =>
  (inputs) => {
    const rank = Math.max(...inputs.map(({ shape }) => shape.length));
    const sizeAt = (axis: number) => {
      const sizes = inputs.map(({ shape }) => shape[shape.length - rank + axis] ?? 1);
      return sizes.find((size) => size !== 1) ?? 1;
    };
    const shape = Array.from({ length: rank }, (_, axis) => sizeAt(axis));
    return { shape, dtype: dtype ?? inputs.at(-1)!.dtype };
  };

/** A shape given as the values of an input. */
const given =
  (input: number, from: number): Rule =>
  (inputs) => {
    const { values } = inputs[input]!;
    return values && { shape: Array.from(values), dtype: inputs[from]!.dtype };
  };

const reshaped: Rule = ([x, to]) => {
  if (!to?.values) return undefined;
  const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
  const shape = Array.from(to.values);
  const known = sizeOf(shape.filter((size) => size !== -1));
  const rest = sizeOf(x!.shape) / known;
  return { shape: shape.map((size) => (size === -1 ? rest : size)), dtype: x!.dtype };
};

const reduced: Rule = ([x, axes], { keep_dims: keepDims }) => {
  if (!axes?.values) return undefined;
  const rank = x!.shape.length;
  const gone = new Set(Array.from(axes.values, (axis) => (axis + rank) % rank));
  const shape = keepDims
    ? x!.shape.map((size, axis) => (gone.has(axis) ? 1 : size))
    : x!.shape.filter((_, axis) => !gone.has(axis));
  return { shape, dtype: x!.dtype };
};

const transposed: Rule = ([x, order]) =>
  order?.values && {
    shape: Array.from(order.values, (axis) => x!.shape[axis]!),
    dtype: x!.dtype,
  };

const padded: Rule = ([x, paddings]) => {
  const { values } = paddings!;
  return (
    values && {
      shape: x!.shape.map((size, axis) => values[2 * axis]! + size + values[2 * axis + 1]!),
      dtype: x!.dtype,
    }
  );
};

const convolved: Rule = ([x, filter], attributes) => {
  const { strides, dilations = [1, 1, 1, 1], padding, data_format: format } = attributes;
  if (format !== 'NHWC' || (padding !== 'SAME' && padding !== 'VALID')) return undefined;
  const along = (axis: number) => {
    const stride = (strides as number[])[axis]!;
    const reach = ((dilations as number[])[axis]! * (filter!.shape[axis - 1]! - 1)) as number;
    const positions = padding === 'SAME' ? x!.shape[axis]! : x!.shape[axis]! - reach;
    return Math.ceil(positions / stride);
  };
  return {
    shape: [x!.shape[0]!, along(1), along(2), filter!.shape[3]!],
    dtype: x!.dtype,
  };
};

const rules: Record<string, Rule> = {
  ...Object.fromEntries(
    [
      ...['Abs', 'ClipByValue', 'Cos', 'Elu', 'Erf', 'Exp', 'Expm1', 'Identity', 'Log', 'Log1p'],
      ...['LogSoftmax', 'Neg', 'Reciprocal', 'Relu', 'Relu6', 'Rsqrt', 'Sigmoid', 'Sign', 'Sin'],
      ...['Softmax', 'Softplus', 'Sqrt', 'Square', 'Tanh', 'ZerosLike', 'OnesLike', 'AddN'],
    ].map((op) => [op, like(0)]),
  ),
  LogicalNot: like(0, dataTypes.bool),
  ...Object.fromEntries(
    [
      ...['Add', 'AddV2', 'Sub', 'Mul', 'Div', 'RealDiv', 'DivNoNan', 'Maximum', 'Minimum', 'Pow'],
      ...['SquaredDifference', 'SelectV2'],
    ].map((op) => [op, broadcast()]),
  ),
  ...Object.fromEntries(
    [
      ...['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual'],
      ...['LogicalAnd', 'LogicalOr'],
    ].map((op) => [op, broadcast(dataTypes.bool)]),
  ),
  Cast: ([x], { DstT }) => ({ shape: x!.shape, dtype: DstT as DataTypeNumber }),
  Fill: given(0, 1),
  Reshape: reshaped,
  Sum: reduced,
  Mean: reduced,
  Max: reduced,
  Min: reduced,
  Transpose: transposed,
  Pad: padded,
  PadV2: padded,
  Conv2D: convolved,
  Conv2DBackpropInput: given(0, 2),
  Conv2DBackpropFilter: given(1, 2),
};

/**
 * What an op returns, without running it: the rules of those that take time or memory. Undefined for others,
 * and where a shape depends on values that aren't known; then the op is run once on zeros.
 */
export const outputShape = (
  op: string,
  inputs: readonly DescribedInput[],
  attributes: OpAttributes,
): Description | undefined => rules[op]?.(inputs, attributes);
