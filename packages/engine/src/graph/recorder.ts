import { convolutionPrecision } from '../convolution-precision.ts';
import type { Binding, OpAttribute, TensorMetadata } from './binding.ts';
import type { Frame, GraphBuilder, Value } from './graph-builder.ts';
import { graphSupport } from './graphs.ts';
import { type Attribute, attribute, type DataTypeNumber, dataTypes } from './node-def.ts';
import { NotCompilableError } from './not-compilable-error.ts';
import { type DescribedInput, type Description, outputShape } from './output-shapes.ts';

/** A tensor made in JavaScript, which the graph holds as a constant once something uses it. */
interface Constant extends Description {
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** The inputs of a convolution that bfloat16 is for, and its gradients'. */
const convolutionOperands: Record<string, readonly number[]> = {
  Conv2D: [0, 1],
  Conv2DBackpropInput: [1, 2],
  Conv2DBackpropFilter: [0, 2],
};

/**
 * Stands in for tfjs-node's addon while a function is recorded. Tensors are hollow: their shapes and types
 * are known, their values aren't. Hardly anything is computed, and no memory is held.
 */
export class Recorder {
  readonly graph: GraphBuilder;
  readonly real: Binding;
  /** The loops being recorded, outermost first. */
  readonly frames: Frame[] = [];
  readonly #values = new Map<number, Value>();
  readonly #constants = new Map<number, Constant>();
  readonly #casts = new Map<string, Value>();
  #nextId = 1;

  constructor(graph: GraphBuilder, real: Binding) {
    this.graph = graph;
    this.real = real;
  }

  /** The stand-in, with the addon's constants. */
  binding(): Binding {
    const names = Object.getOwnPropertyNames(this.real);
    const constants = names.filter((name) => typeof this.real[name] !== 'function');
    return {
      ...Object.fromEntries(constants.map((name) => [name, this.real[name]])),
      createTensor: (shape, dtype, values) => this.#constant(shape, dtype, values),
      deleteTensor: (id) => this.#forget(id),
      tensorDataSync: (id) => {
        const constant = this.#constants.get(id);
        if (constant) return constant.values.slice();
        throw new NotCompilableError(
          'it reads the value of a tensor (dataSync, data, arraySync), which a graph has only when it runs. Keep to tensor operations (where, greater, mul, …), or return the tensor.',
        );
      },
      executeOp: (op, attributes, inputs, outputs) => this.execute(op, attributes, inputs, outputs),
      loadSavedModel: refuseGraphs,
      deleteSavedModel: refuseGraphs,
      runSavedModel: refuseGraphs,
    };
  }

  /** A hollow tensor for a value of the graph. */
  hollow(value: Value): TensorMetadata {
    const id = this.#nextId++;
    this.#values.set(id, value);
    return { id, dtype: value.dtype, shape: [...value.shape] };
  }

  /** The value behind a hollow tensor. */
  valueOf(id: number): Value {
    const constant = this.#constants.get(id);
    if (constant) {
      const { dtype, shape, values } = constant;
      return this.graph.constant(dtype, shape, new Uint8Array(values.buffer));
    }
    const value = this.#values.get(id);
    if (!value) throw new NotCompilableError('it uses a tensor that was disposed of.');
    if (value.frame && !this.frames.includes(value.frame)) {
      throw new NotCompilableError(
        "it uses a tensor made inside the body of iterate outside of it. Hand it on in the loop's state.",
      );
    }
    return value;
  }

  execute(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[] {
    const folded = this.#folded(op, attributes, inputs, outputs);
    if (folded) return folded;
    const values = inputs.map((id) => this.valueOf(id));
    const described = inputs.map((id, i): DescribedInput => this.#constants.get(id) ?? values[i]!);
    const plain = Object.fromEntries(attributes.map(({ name, value }) => [name, value]));
    const known = outputs === 1 ? outputShape(op, described, plain) : undefined;
    const found =
      (known && [known]) ??
      this.#runForReal(op, attributes, inputs, outputs, (made) =>
        made.map(({ dtype, shape }) => ({ dtype, shape })),
      );
    if (changesNothing(op, values, found)) return [this.hollow(values[0]!)];
    const encoded = this.#encoded(op, attributes, described);
    return this.#record(op, values, encoded, found).map((value) => this.hollow(value));
  }

  /**
   * Computes with small whole constants at once, so that a function may read what it finds: a shape to reshape to, say,
   * made of another tensor's.
   */
  #folded(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[] | undefined {
    const isKnown = (id: number) => isShape(this.#constants.get(id));
    if (inputs.length === 0 || !inputs.every(isKnown)) return undefined;
    return this.#runForReal(op, attributes, inputs, outputs, (found) => {
      if (!found.every(isShape)) return undefined;
      return found.map(({ id, shape, dtype }) => {
        const values = Int32Array.from(this.real.tensorDataSync(id));
        return { id: this.#constant(shape, dtype, values), shape: [...shape], dtype };
      });
    });
  }

  #record(
    op: string,
    values: readonly Value[],
    attributes: Record<string, Attribute>,
    found: readonly Description[],
  ): Value[] {
    const operands = convolutionOperands[op];
    if (!operands || convolutionPrecision() === 'float32' || !graphSupport()?.bfloat16) {
      return this.graph.add(op, values, attributes, found);
    }
    const narrow = values.map((value, i) =>
      operands.includes(i) ? this.#cast(value, dataTypes.bfloat16) : value,
    );
    const typed = { ...attributes, T: attribute.type(dataTypes.bfloat16) };
    const [result] = this.graph.add(op, narrow, typed, [
      { ...found[0]!, dtype: dataTypes.bfloat16 },
    ]);
    return [this.#cast(result!, dataTypes.float32)];
  }

  #cast(value: Value, dtype: DataTypeNumber): Value {
    const key = `${value.reference}>${dtype}`;
    const known = this.#casts.get(key);
    if (known) return known;
    const attributes = { SrcT: attribute.type(value.dtype), DstT: attribute.type(dtype) };
    const [cast] = this.graph.add('Cast', [value], attributes, [{ shape: value.shape, dtype }]);
    this.#casts.set(key, cast!);
    return cast!;
  }

  #constant(
    shape: readonly number[],
    dtype: DataTypeNumber,
    given: Parameters<Binding['createTensor']>[2],
  ): number {
    if (dtype === dataTypes.string) {
      throw new NotCompilableError('it makes a tensor of strings.');
    }
    // Its own buffer, and whole: what is given may be a view of something that changes.
    const values = ArrayBuffer.isView(given) ? given.slice() : typed(dtype, given);
    const id = this.#nextId++;
    this.#constants.set(id, { shape: [...shape], dtype, values });
    return id;
  }

  #forget(id: number): void {
    this.#values.delete(id);
    this.#constants.delete(id);
  }

  #encoded(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly DescribedInput[],
  ): Record<string, Attribute> {
    const encoded = attributes.map(({ name, type, value }) => [name, this.#attribute(type, value)]);
    return { ...inferredTypes(op, inputs), ...Object.fromEntries(encoded) };
  }

  #attribute(type: number, value: unknown): Attribute {
    const { real } = this;
    const list = Array.isArray(value);
    if (type === real.TF_ATTR_STRING) return attribute.string(String(value));
    if (type === real.TF_ATTR_INT)
      return list ? attribute.integers(value) : attribute.integer(value as number);
    if (type === real.TF_ATTR_FLOAT) return attribute.float(value as number);
    if (type === real.TF_ATTR_BOOL) return attribute.boolean(Boolean(value));
    if (type === real.TF_ATTR_TYPE)
      return list ? attribute.types(value) : attribute.type(value as number);
    if (type === real.TF_ATTR_SHAPE) return attribute.shape(value as number[]);
    throw new NotCompilableError(`it uses an op with an attribute of an unknown type (${type}).`);
  }

  /** Runs an op once, on the constants and on zeros in place of all else, to learn what it returns. */
  #runForReal<T>(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
    learn: (found: readonly TensorMetadata[]) => T,
  ): T {
    const made = inputs.map((id) => this.#zeros(id));
    try {
      const found = this.real.executeOp(op, attributes, made, outputs);
      try {
        return learn(found);
      } finally {
        for (const { id } of found) this.real.deleteTensor(id);
      }
    } finally {
      for (const id of made) this.real.deleteTensor(id);
    }
  }

  #zeros(id: number): number {
    const constant = this.#constants.get(id);
    if (constant) {
      return this.real.createTensor(constant.shape, constant.dtype, constant.values);
    }
    const { shape, dtype } = this.#values.get(id)!;
    const size = this.real.createTensor([shape.length], dataTypes.int32, Int32Array.from(shape));
    const zero = this.real.createTensor([], dtype, typed(dtype, [0]));
    const type = this.real.TF_ATTR_TYPE as number;
    const [filled] = this.real.executeOp(
      'Fill',
      [
        { name: 'T', type, value: dtype },
        { name: 'index_type', type, value: dataTypes.int32 },
      ],
      [size, zero],
      1,
    );
    this.real.deleteTensor(size);
    this.real.deleteTensor(zero);
    return filled!.id;
  }
}

function typed(dtype: DataTypeNumber, values: readonly number[]) {
  if (dtype === dataTypes.float32) return Float32Array.from(values);
  if (dtype === dataTypes.bool) return Uint8Array.from(values);
  // The addon takes an int64 as two words.
  if (dtype === dataTypes.int64) return Int32Array.from(values.flatMap((value) => [value, 0]));
  return Int32Array.from(values);
}

/** Whether a tensor may be a shape, or part of one: a few whole numbers. */
const isShape = (found: Description | undefined): boolean =>
  found?.dtype === dataTypes.int32 &&
  found.shape.length <= 1 &&
  (found.shape[0] ?? 1) <= largestShape;

/** More than any tensor has dimensions, with room to compute. */
const largestShape = 32;

/** tfjs casts and reshapes what is as it should be already. */
function changesNothing(
  op: string,
  [x]: readonly Value[],
  [result]: readonly Description[],
): boolean {
  if (op === 'Cast') return x!.dtype === result!.dtype;
  return op === 'Reshape' && `${x!.shape}` === `${result!.shape}`;
}

/** Types that tfjs-node leaves for TensorFlow to infer when an op runs, which a graph has to name. */
function inferredTypes(op: string, inputs: readonly DescribedInput[]): Record<string, Attribute> {
  const type = (input: number) => attribute.type(inputs[input]!.dtype);
  if (op === 'Reshape') return { Tshape: type(1) };
  if (op === 'ExpandDims') return { T: type(0), Tdim: type(1) };
  return {};
}

function refuseGraphs(): never {
  throw new NotCompilableError('it loads or runs a saved model of its own.');
}
