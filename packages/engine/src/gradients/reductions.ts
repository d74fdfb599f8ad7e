import {
  add,
  cast,
  div,
  equal,
  eye,
  fill,
  mul,
  prod,
  reshape,
  sub,
  sum,
  type Tensor,
  transpose,
  util,
} from '@tensorflow/tfjs-core';
import { constant } from './constant.ts';
import { type Gradient, type Gradients, product } from './gradient.ts';

type Axis = number | number[] | undefined;

const axesOf = (axis: Axis, x: Tensor) =>
  util.parseAxisParam(axis ?? x.shape.map((_, i) => i), x.shape);

/** x's shape with size 1 where it was reduced. */
function keptShape(x: Tensor, axes: readonly number[]): number[] {
  return x.shape.map((size, i) => (axes.includes(i) ? 1 : size));
}

/** Spreads dy over what was reduced, without an array of ones made in JavaScript. */
function spread(dy: Tensor, x: Tensor, axis: Axis, scale: (count: number) => number): Tensor {
  const axes = axesOf(axis, x);
  const count = product(axes.map((i) => x.shape[i]!));
  return mul(reshape(dy, keptShape(x, axes)), fill(x.shape, scale(count)));
}

/** The gradient of a maximum or minimum goes in equal parts to all entries that attain it (tfjs gives each the whole of it). */
function extremum(axisOf: (attrs: Record<string, unknown>) => Axis): Gradient {
  return {
    save: ['x'],
    saveOutputs: [true],
    gradient: (dy, [x, y], attrs) => ({
      x: () => {
        const axes = axesOf(axisOf(attrs), x!);
        const kept = keptShape(x!, axes);
        const share = constant(() => {
          const attained = cast(equal(x!, reshape(y!, kept)), 'float32');
          return div(attained, sum(attained, axes, true));
        });
        return mul(reshape(dy, kept), share);
      },
    }),
  };
}

/** The product of all other entries of each row, for rows `[r, n]`; right where entries are 0 too. */
function productOfOthers(rows: Tensor): Tensor {
  const [r, n] = rows.shape as [number, number];
  const self = eye(n);
  return prod(add(mul(reshape(rows, [r, 1, n]), sub(1, self)), self), 2);
}

export const reductions: Gradients = {
  Sum: {
    save: ['x'],
    gradient: (dy, [x], attrs) => ({ x: () => spread(dy, x!, attrs.axis as Axis, () => 1) }),
  },
  Mean: {
    save: ['x'],
    gradient: (dy, [x], attrs) => ({
      x: () => spread(dy, x!, attrs.axis as Axis, (count) => 1 / count),
    }),
  },
  Max: extremum((attrs) => attrs.reductionIndices as Axis),
  Min: extremum((attrs) => attrs.axis as Axis),
  // tfjs's own goes through Cumprod, which has no gradient.
  Prod: {
    save: ['x'],
    gradient: (dy, [x], attrs) => ({
      x: () => {
        const axes = axesOf(attrs.axis as Axis, x!);
        const others = x!.shape.map((_, i) => i).filter((i) => !axes.includes(i));
        const order = [...others, ...axes];
        const moved = transpose(x!, order);
        const count = product(axes.map((i) => x!.shape[i]!));
        const rows = reshape(moved, [x!.size / count, count]);
        const found = mul(reshape(dy, [rows.shape[0]!, 1]), productOfOthers(rows));
        const back = order.map((_, i) => order.indexOf(i));
        return transpose(reshape(found, moved.shape), back);
      },
    }),
  },
};
