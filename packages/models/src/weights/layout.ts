/**
 * How a file lays out its weights: `'own'` is this package's, filters [height, width, in, out] and dense
 * weights [in, out]; `'pytorch'` has [out, in, height, width] and [out, in]. One dimension is the same in both.
 */
export type Layout = 'own' | 'pytorch';

/** The shape, of this package's weights, that such a file has. */
export function fileShape(layout: Layout, shape: readonly number[]): readonly number[] {
  if (layout === 'own') return shape;
  const { height, width, inputs, outputs } = sizes(shape);
  if (shape.length === 4) return [outputs, inputs, height, width];
  return shape.length === 2 ? [outputs, inputs] : shape;
}

/** The other way round. */
export function ownShape(layout: Layout, shape: readonly number[]): readonly number[] {
  if (layout === 'own') return shape;
  const [outputs = 1, inputs = 1, height = 1, width = 1] = shape;
  if (shape.length === 4) return [height, width, inputs, outputs];
  return shape.length === 2 ? [inputs, outputs] : shape;
}

/**
 * A file's values in this package's order; the same array where the order is the same.
 *
 * @param shape - this package's
 */
export function fromFile(
  layout: Layout,
  values: Float32Array,
  shape: readonly number[],
): Float32Array {
  return isReordered(layout, shape) ? reordered(values, shape, true) : values;
}

/** The other way round. */
export function toFile(
  layout: Layout,
  values: Float32Array,
  shape: readonly number[],
): Float32Array {
  return isReordered(layout, shape) ? reordered(values, shape, false) : values;
}

const isReordered = (layout: Layout, { length }: readonly number[]) =>
  layout === 'pytorch' && (length === 4 || length === 2);

function sizes(shape: readonly number[]) {
  const [inputs = 1, outputs = 1] = shape.slice(-2);
  const [height = 1, width = 1] = shape.slice(0, -2);
  return { height, width, inputs, outputs };
}

/** Outputs that are copied together: few enough for their cache lines to stay. */
const block = 32;

function reordered(values: Float32Array, shape: readonly number[], toOwn: boolean): Float32Array {
  const { height, width, inputs, outputs } = sizes(shape);
  const positions = height * width;
  const result = new Float32Array(values.length);
  for (let first = 0; first < outputs; first += block) {
    const last = Math.min(first + block, outputs);
    for (let input = 0; input < inputs; input++) {
      for (let position = 0; position < positions; position++) {
        const own = (position * inputs + input) * outputs;
        const theirs = input * positions + position;
        for (let output = first; output < last; output++) {
          const there = output * inputs * positions + theirs;
          if (toOwn) result[own + output] = values[there]!;
          else result[there] = values[own + output]!;
        }
      }
    }
  }
  return result;
}
