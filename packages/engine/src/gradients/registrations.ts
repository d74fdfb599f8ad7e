import {
  cast,
  conv2d,
  engine,
  exp,
  fill,
  type GradConfig,
  minimum,
  mul,
  type NamedAttrMap,
  reshape,
  type Tensor,
  util,
  zerosLike,
} from '@tensorflow/tfjs-core';

type Gradients = Record<
  string,
  (dy: Tensor, saved: Tensor[], attrs: NamedAttrMap) => Record<string, () => Tensor>
>;

/** Spreads the gradient of a reduction over what was reduced, without an array of ones made in JavaScript. */
function spread(dy: Tensor, x: Tensor, axis: number | number[], scale: (count: number) => number) {
  const axes = new Set(util.parseAxisParam(axis, x.shape));
  const kept = x.shape.map((size, i) => (axes.has(i) ? 1 : size));
  const count = x.shape.reduce((product, size, i) => (axes.has(i) ? product * size : product), 1);
  return mul(reshape(dy, kept), fill(x.shape, scale(count)));
}

/** A comparison is constant almost everywhere. */
const constantInBoth: Gradients[string] = (_dy, [a, b]) => ({
  a: () => cast(zerosLike(a!), 'float32'),
  b: () => cast(zerosLike(b!), 'float32'),
});

/**
 * The gradients that tfjs lacks, or that cost too much there. Each is made of differentiable ops, so it
 * can be differentiated again; each saves inputs only.
 */
const gradients: Record<string, { save: string[]; gradient: Gradients[string] }> = {
  Sum: {
    save: ['x'],
    gradient: (dy, [x], attrs) => ({ x: () => spread(dy, x!, attrs.axis as number[], () => 1) }),
  },
  Mean: {
    save: ['x'],
    gradient: (dy, [x], attrs) => ({
      x: () => spread(dy, x!, attrs.axis as number[], (count) => 1 / count),
    }),
  },
  // elu′ = 1 for x > 0 and exp(x) below: tfjs's own goes through EluGrad, which has no gradient.
  Elu: { save: ['x'], gradient: (dy, [x]) => ({ x: () => mul(dy, exp(minimum(x!, 0))) }) },
  // dW is linear in x and in dy, and both of its gradients are convolutions.
  Conv2DBackpropFilter: {
    save: ['x', 'dy'],
    gradient: (dFilter, [x, dy], attrs) => {
      const { strides, pad, dataFormat, dimRoundingMode } = attrs;
      return {
        x: () =>
          engine().runKernel('Conv2DBackpropInput', { dy: dy!, filter: dFilter }, {
            strides,
            pad,
            dataFormat,
            dimRoundingMode,
            inputShape: x!.shape,
          } as NamedAttrMap) as Tensor,
        dy: () =>
          conv2d(
            x as never,
            dFilter as never,
            strides as [number, number],
            pad as 'same',
            dataFormat as 'NHWC',
            1,
            dimRoundingMode as 'floor',
          ),
      };
    },
  },
  Greater: { save: ['a', 'b'], gradient: constantInBoth },
  GreaterEqual: { save: ['a', 'b'], gradient: constantInBoth },
  Less: { save: ['a', 'b'], gradient: constantInBoth },
  LessEqual: { save: ['a', 'b'], gradient: constantInBoth },
  Equal: { save: ['a', 'b'], gradient: constantInBoth },
  NotEqual: { save: ['a', 'b'], gradient: constantInBoth },
  LogicalAnd: { save: ['a', 'b'], gradient: constantInBoth },
  LogicalOr: { save: ['a', 'b'], gradient: constantInBoth },
  LogicalNot: {
    save: ['x'],
    gradient: (_dy, [x]) => ({ x: () => cast(zerosLike(x!), 'float32') }),
  },
};

export const registrations: readonly GradConfig[] = Object.entries(gradients).map(
  ([kernelName, { save, gradient }]) => ({
    kernelName,
    inputsToSave: save,
    gradFunc: (dy, saved, attrs) => gradient(dy as Tensor, saved, attrs),
  }),
);
