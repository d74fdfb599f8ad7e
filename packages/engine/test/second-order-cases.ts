import {
  abs,
  add,
  avgPool,
  batchNorm,
  broadcastTo,
  clipByValue,
  clone,
  concat,
  conv2d,
  cos,
  depthwiseConv2d,
  div,
  elu,
  equal,
  erf,
  exp,
  expandDims,
  expm1,
  gather,
  greater,
  greaterEqual,
  leakyRelu,
  less,
  lessEqual,
  log,
  log1p,
  logicalAnd,
  logicalNot,
  logicalOr,
  logSigmoid,
  logSoftmax,
  logSumExp,
  matMul,
  max,
  maximum,
  maxPool,
  mean,
  min,
  minimum,
  mirrorPad,
  moments,
  mul,
  neg,
  norm,
  notEqual,
  oneHot,
  pad,
  pow,
  prelu,
  prod,
  randomNormal,
  reciprocal,
  relu,
  relu6,
  reshape,
  reverse,
  rsqrt,
  selu,
  sigmoid,
  sin,
  slice,
  softmax,
  softplus,
  split,
  sqrt,
  square,
  squaredDifference,
  squeeze,
  stack,
  step,
  stridedSlice,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tanh,
  tensor,
  tensor1d,
  tile,
  topk,
  transpose,
  unstack,
  where,
} from '@tensorflow/tfjs-core';

/** A function to differentiate, and where. */
export interface Case {
  f: (x: Tensor) => Tensor;
  at: () => Tensor;
  /** The op itself, before any gradient. */
  refusedByTensorFlow?: boolean;
}

type Padding = 'same' | 'valid' | number | [[0, 0], [number, number], [number, number], [0, 0]];

const normal = (shape: number[], seed: number): Tensor =>
  randomNormal(shape, 0, 1, 'float32', seed);
const vector = () => tensor1d([-2.1, -0.9, -0.4, 0.3, 0.8, 1.7]);
const positive = () => tensor1d([0.4, 0.7, 1.1, 1.9, 2.6]);
const matrix = () => normal([3, 5], 11);
const image = (size = 6, channels = 2) => normal([2, size, size, channels], 12);

/** An image of distinct values, far enough apart that no maximum changes hands within a step. */
function distinct(size: number, channels = 2): Tensor {
  const count = 2 * size * size * channels;
  // 41 has no factor in common with any count here, so that this is a permutation.
  const values = Array.from({ length: count }, (_, i) => (((i * 41) % count) / count - 0.5) * 8);
  return tensor(values, [2, size, size, channels]);
}

/** Padding by p on every side, as PyTorch pads. */
const by = (top: number, bottom = top, left = top, right = bottom): Padding => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

const rounding = (padding: Padding) => (typeof padding === 'string' ? undefined : 'floor');

/** f(x)·x², so that no second derivative is 0 only because f is piecewise linear. */
const curved = (f: (x: Tensor) => Tensor) => (x: Tensor) => mul(f(x), square(x));
/** z·σ(z), so that neither derivative of a linear z(x) vanishes. */
const bent = (z: Tensor) => mul(z, sigmoid(z));
const at = (point: () => Tensor, functions: Record<string, (x: Tensor) => Tensor>) =>
  Object.fromEntries(Object.entries(functions).map(([name, f]) => [name, { f, at: point }]));
const elementwise = (f: (x: Tensor) => Tensor, point = vector) => at(point, { '': curved(f) });

interface Convolution {
  size: number;
  kernel: number;
  stride?: number;
  padding: Padding;
  dilation?: number;
  outputs?: number;
}

const convolutions: Record<string, Convolution> = {
  '3x3 same': { size: 5, kernel: 3, padding: 'same' },
  '3x3 valid': { size: 5, kernel: 3, padding: 'valid' },
  '3x3 stride 2 same, even size': { size: 6, kernel: 3, stride: 2, padding: 'same' },
  '3x3 stride 2 same, odd size': { size: 5, kernel: 3, stride: 2, padding: 'same' },
  '3x3 stride 2 valid, a row left over': { size: 6, kernel: 3, stride: 2, padding: 'valid' },
  '3x3 stride 2, padded by 1 as PyTorch does': { size: 6, kernel: 3, stride: 2, padding: by(1) },
  '3x3 padded unevenly': { size: 5, kernel: 3, padding: by(0, 1, 2, 1) },
  '3x3 padded by a number': { size: 5, kernel: 3, padding: 1 },
  '1x1': { size: 4, kernel: 1, padding: 'same' },
  '1x1 stride 2': { size: 5, kernel: 1, stride: 2, padding: 'same' },
  '7x7 stride 2, padded by 3': { size: 8, kernel: 7, stride: 2, padding: by(3) },
  '3x3 dilated by 2, same': { size: 6, kernel: 3, padding: 'same', dilation: 2 },
  '3x3 dilated by 2, valid': { size: 6, kernel: 3, padding: 'valid', dilation: 2 },
  '3x3 dilated by 2, padded by 2': { size: 5, kernel: 3, padding: by(2), dilation: 2 },
};

function convolved(convolve: typeof conv2d, x: Tensor, filter: Tensor, c: Convolution): Tensor {
  return bent(
    convolve(
      x as Tensor4D,
      filter as Tensor4D,
      c.stride ?? 1,
      c.padding as 'same',
      'NHWC',
      c.dilation ?? 1,
      rounding(c.padding),
    ),
  );
}

/** In the input, in the filter, and in both at once. */
function convolutionCases(
  convolve: typeof conv2d,
  cases: Record<string, Convolution>,
): Record<string, Case> {
  return Object.fromEntries(
    Object.entries(cases).flatMap(([name, c]): [string, Case][] => {
      const filter = () => mul(normal([c.kernel, c.kernel, 2, c.outputs ?? 3], 21), 0.5 / c.kernel);
      const { size } = c;
      const refusedByTensorFlow = typeof c.padding === 'number';
      return [
        [
          `${name}, in the input`,
          {
            f: (x) => convolved(convolve, x, filter(), c),
            at: () => image(size),
            refusedByTensorFlow,
          },
        ],
        [
          `${name}, in the filter`,
          { f: (w) => convolved(convolve, image(size), w, c), at: filter, refusedByTensorFlow },
        ],
        [
          `${name}, in both`,
          {
            f: (x) => convolved(convolve, x, mul(filter(), tanh(mean(x))), c),
            at: () => image(size),
            refusedByTensorFlow,
          },
        ],
      ];
    }),
  );
}

interface Pool {
  size: number;
  window: number | [number, number];
  stride: number;
  padding: Padding;
  rounding?: 'ceil';
}

const pools: Record<string, Pool> = {
  '2x2': { size: 6, window: 2, stride: 2, padding: 'valid' },
  '2x2 valid, a row left over': { size: 5, window: 2, stride: 2, padding: 'valid' },
  '3x3 stride 2 same, even size': { size: 6, window: 3, stride: 2, padding: 'same' },
  '3x3 stride 2 same, odd size': { size: 5, window: 3, stride: 2, padding: 'same' },
  '3x3 stride 1 same': { size: 4, window: 3, stride: 1, padding: 'same' },
  '3x3 stride 2, padded by 1 as PyTorch does': { size: 6, window: 3, stride: 2, padding: by(1) },
  '3x3 stride 2, padded by a number': { size: 7, window: 3, stride: 2, padding: 1 },
  '3x3 stride 2, padded by 1, rounded up': {
    size: 6,
    window: 3,
    stride: 2,
    padding: by(1),
    rounding: 'ceil',
  },
  '3x2 stride 2 same': { size: 6, window: [3, 2], stride: 2, padding: 'same' },
};

const poolCases = (pool: typeof maxPool): Record<string, Case> =>
  Object.fromEntries(
    Object.entries(pools).map(([name, p]) => [
      name,
      {
        f: (x) =>
          bent(
            pool(
              sin(mul(x, 0.3)) as Tensor4D,
              p.window,
              p.stride,
              p.padding as 'same',
              p.rounding ?? rounding(p.padding),
            ),
          ),
        at: () => distinct(p.size),
        refusedByTensorFlow: typeof p.padding !== 'string',
      },
    ]),
  );

/** Batch normalisation by the op, at statistics that are given, or made from x. */
const normalised = (x: Tensor, s: Record<'mean' | 'variance' | 'offset' | 'scale', Tensor>) =>
  bent(
    batchNorm(
      x as Tensor4D,
      s.mean as Tensor1D,
      s.variance as Tensor1D,
      s.offset as Tensor1D,
      s.scale as Tensor1D,
      1e-2,
    ),
  );

const statistics = () => ({
  mean: tensor1d([0.2, -0.3]),
  variance: tensor1d([0.7, 1.4]),
  offset: tensor1d([0.1, 0.4]),
  scale: tensor1d([1.3, 0.6]),
});

const statistic = (name: keyof ReturnType<typeof statistics>): Case => ({
  f: (s) => normalised(image(), { ...statistics(), [name]: s }),
  at: () => statistics()[name],
});

/** −log p_y */
const crossEntropy = (logits: Tensor) =>
  sum(mul(oneHot(tensor1d([1, 4, 0], 'int32'), 5), logSoftmax(logits as Tensor2D)), 1);

const pick = (condition: (x: Tensor) => Tensor) =>
  at(vector, { '': (x) => where(condition(x), exp(x), square(x)) });

const geluErf = (x: Tensor) => mul(x, mul(0.5, add(1, erf(mul(x, Math.SQRT1_2)))));
const geluTanh = (x: Tensor) =>
  mul(
    x,
    mul(0.5, add(1, tanh(mul(Math.sqrt(2 / Math.PI), add(x, mul(0.044715, mul(x, square(x)))))))),
  );

/** Every op covered at second order, by the name it has in the README, and how it is used. */
export const cases: Record<string, Record<string, Case>> = {
  // convolutions and products
  conv2d: convolutionCases(conv2d, convolutions),
  depthwiseConv2d: convolutionCases(depthwiseConv2d as typeof conv2d, {
    ...Object.fromEntries(
      Object.entries(convolutions).map(([name, c]) => [name, { ...c, outputs: 1 }]),
    ),
    'two outputs per channel, stride 2': {
      size: 6,
      kernel: 3,
      stride: 2,
      padding: 'same',
      outputs: 2,
    },
  }),
  matMul: at(matrix, {
    left: (x) => square(matMul(x as Tensor2D, normal([5, 4], 2) as Tensor2D)),
    right: (x) => square(matMul(normal([4, 3], 2) as Tensor2D, x as Tensor2D)),
    'with its own transpose': (x) => matMul(x as Tensor2D, x as Tensor2D, false, true),
    'transposed, with itself': (x) => matMul(x as Tensor2D, x as Tensor2D, true, false),
  }),

  // normalisation
  batchNorm: {
    'constant statistics': { f: (x) => normalised(x, statistics()), at: image },
    'batch statistics': {
      f: (x) => normalised(x, { ...statistics(), ...moments(x, [0, 1, 2]) }),
      at: image,
    },
    'without offset and scale': {
      f: (x) => {
        const { mean, variance } = moments(x, [0, 1, 2]);
        return bent(batchNorm(x as Tensor4D, mean as Tensor1D, variance as Tensor1D));
      },
      at: image,
    },
    'statistics with axes kept': {
      f: (x) => {
        const { mean, variance } = moments(x, [0, 1, 2], true);
        return bent(batchNorm(x as Tensor4D, mean as Tensor4D, variance as Tensor4D));
      },
      at: image,
    },
    'in the mean': statistic('mean'),
    'in the variance': statistic('variance'),
    'in the offset': statistic('offset'),
    'in the scale': statistic('scale'),
  },
  moments: {
    mean: { f: (x) => square(moments(x, [0, 1, 2]).mean), at: image },
    variance: { f: (x) => square(moments(x, [0, 1, 2]).variance), at: image },
  },

  // reductions
  sum: {
    'over an axis': { f: (x) => square(sum(square(x), 1)), at: matrix },
    'over all axes': { f: (x) => square(sum(square(x))), at: matrix },
    'over the first axis of three': {
      f: (x) => square(sum(square(x), [0, 2], true)),
      at: () => normal([2, 3, 4], 5),
    },
  },
  mean: {
    'over axes, the global average pool': {
      f: (x) => square(mean(softplus(x), [1, 2])),
      at: image,
    },
    'over all axes': { f: (x) => square(mean(square(x))), at: matrix },
  },
  max: at(matrix, {
    'over an axis': (x) => bent(max(x, 1)),
    'over all axes': (x) => bent(max(sin(x))),
    'kept, over the first axis': (x) => bent(max(x, 0, true)),
  }),
  min: at(matrix, {
    'over an axis': (x) => bent(min(x, 1)),
    'over all axes': (x) => bent(min(sin(x))),
  }),
  prod: {
    'over an axis': { f: (x) => prod(x, 1), at: matrix },
    'over all axes': { f: (x) => prod(x), at: () => normal([2, 3], 6) },
    'over two axes of three': { f: (x) => prod(x, [0, 2]), at: () => normal([2, 3, 2], 6) },
    'with entries that are 0': {
      f: (x) => prod(x, 1),
      at: () => tensor([1.2, 0, 0.7, 0, 0, 1.9], [2, 3]),
    },
  },
  logSumExp: at(matrix, {
    'over an axis': (x) => square(logSumExp(x, 1)),
    'over all axes': (x) => square(logSumExp(x)),
  }),
  norm: at(matrix, { euclidean: (x) => bent(norm(x, 'euclidean', 1)) }),
  topk: at(matrix, { values: (x) => bent(topk(x, 2).values) }),

  // activations and elementwise functions
  softmax: at(matrix, { '': (x) => softmax(x as Tensor2D) }),
  logSoftmax: at(matrix, { '': (x) => logSoftmax(x as Tensor2D), 'cross-entropy': crossEntropy }),
  sigmoid: elementwise(sigmoid),
  logSigmoid: elementwise(logSigmoid),
  tanh: elementwise(tanh),
  softplus: {
    ...elementwise(softplus),
    'of a tanh, a mixture': {
      f: (x) => softplus(mul(3, tanh(exp(mul(0.5, x))))),
      at: vector,
    },
  },
  relu: elementwise(relu),
  relu6: elementwise((x) => relu6(mul(x, 4))),
  leakyRelu: elementwise((x) => leakyRelu(x, 0.1)),
  prelu: {
    'in the input': { f: curved((x) => prelu(x, tensor1d([0.2]))), at: vector },
    'in the slope': {
      f: (alpha) => bent(prelu(matrix(), alpha)),
      at: () => tensor1d([0.3, 0.1, 0.2, 0.4, 0.2]),
    },
  },
  elu: elementwise(elu),
  selu: elementwise(selu),
  swish: elementwise((x) => mul(x, sigmoid(x))),
  'gelu (erf)': elementwise(geluErf),
  'gelu (tanh)': elementwise(geluTanh),
  exp: elementwise(exp),
  expm1: elementwise(expm1),
  log: elementwise(log, positive),
  log1p: elementwise(log1p, positive),
  sqrt: elementwise(sqrt, positive),
  rsqrt: elementwise(rsqrt, positive),
  square: elementwise(square),
  pow: {
    'a power of x': { f: (x) => pow(x, 2.5), at: positive },
    'a whole power of a negative x': { f: (x) => pow(x, 3), at: vector },
  },
  erf: elementwise(erf),
  sin: elementwise(sin),
  cos: elementwise(cos),
  abs: elementwise(abs),
  neg: elementwise(neg),
  reciprocal: at(positive, { '': (x) => mul(reciprocal(x), sin(x)) }),
  step: elementwise((x) => step(x)),
  clipByValue: elementwise((x) => clipByValue(x, -1, 1)),
  add: at(matrix, { broadcast: (x) => bent(add(square(x), mean(x, 0))) }),
  sub: at(matrix, { broadcast: (x) => bent(sub(mean(x, 0), square(x))) }),
  mul: at(matrix, { broadcast: (x) => mul(square(x), mean(x, 0)) }),
  div: {
    'numerator and denominator': { f: (x) => div(sin(x), add(1, square(x))), at: positive },
    broadcast: { f: (x) => div(square(x), add(3, mean(x, 0))), at: matrix },
  },
  squaredDifference: at(vector, { '': (x) => squaredDifference(square(x), sin(x)) }),
  maximum: elementwise((x) => maximum(square(x), sin(x))),
  minimum: elementwise((x) => minimum(exp(x), 1.05)),

  // comparisons and choices
  where: at(vector, {
    'on constants': (x) =>
      where(tensor([true, false, true, false, true, false], [6], 'bool'), exp(x), square(x)),
  }),
  greater: pick((x) => greater(x, 0)),
  greaterEqual: pick((x) => greaterEqual(x, 0.5)),
  less: pick((x) => less(x, 0)),
  lessEqual: pick((x) => lessEqual(x, 0.5)),
  equal: pick((x) => equal(x, max(x))),
  notEqual: pick((x) => notEqual(x, max(x))),
  logicalAnd: pick((x) => logicalAnd(greater(x, -1), less(x, 1))),
  logicalOr: pick((x) => logicalOr(greater(x, 1), less(x, -1))),
  logicalNot: pick((x) => logicalNot(greater(x, 0))),

  // pooling
  maxPool: poolCases(maxPool),
  avgPool: poolCases(avgPool),

  // shapes
  pad: at(image, {
    '': (x) =>
      bent(
        pad(
          x,
          [
            [0, 0],
            [1, 2],
            [0, 1],
            [0, 0],
          ],
          0.3,
        ),
      ),
  }),
  mirrorPad: at(image, {
    reflect: (x) =>
      bent(
        mirrorPad(
          mul(x, tanh(x)),
          [
            [0, 0],
            [1, 2],
            [3, 0],
            [0, 1],
          ],
          'reflect',
        ),
      ),
    symmetric: (x) =>
      bent(
        mirrorPad(
          mul(x, tanh(x)),
          [
            [0, 0],
            [2, 1],
            [0, 3],
            [1, 2],
          ],
          'symmetric',
        ),
      ),
  }),
  slice: at(image, { '': (x) => bent(slice(x, [0, 1, 2, 0], [2, 3, 2, 1])) }),
  stridedSlice: at(image, {
    'every second': (x) => bent(stridedSlice(x, [0, 1, 0, 0], [2, 6, 6, 2], [1, 2, 3, 1])),
    backwards: (x) => bent(stridedSlice(x, [1, 5, 4, 1], [-9, 0, -9, 0], [-1, -2, -3, -1], 5, 5)),
    'masks, an axis inserted': (x) =>
      bent(stridedSlice(x, [0, 1, 0, 1], [0, 6, 0, 6], [1, 2, 1, 2], 1, 1, 0, 4)),
  }),
  concat: at(image, { '': (x) => bent(concat([x, sin(x)], 3)) }),
  stack: at(matrix, { '': (x) => bent(stack([x, sin(x)], 1)) }),
  unstack: at(matrix, { '': (x) => mul(sin(unstack(x)[0]!), square(unstack(x)[2]!)) }),
  split: at(image, {
    'some parts unused': (x) => {
      const [a, , c] = split(x, 3, 1);
      return mul(square(a!), sin(c!));
    },
  }),
  reshape: at(image, { '': (x) => bent(reshape(x, [2, 72])) }),
  expandDims: at(matrix, { '': (x) => bent(expandDims(square(x), 1)) }),
  squeeze: at(() => normal([2, 1, 3], 4), { '': (x) => bent(squeeze(square(x))) }),
  transpose: at(image, {
    '': (x) => bent(transpose(x, [0, 3, 1, 2])),
    'space to depth': (x) =>
      bent(reshape(transpose(reshape(x, [2, 3, 2, 3, 2, 2]), [0, 1, 3, 2, 4, 5]), [2, 3, 3, 8])),
  }),
  reverse: at(image, { '': (x) => bent(reverse(x, [1, 2])) }),
  tile: at(image, { '': (x) => bent(tile(mul(x, tanh(x)), [1, 2, 3, 1])) }),
  broadcastTo: at(matrix, { '': (x) => bent(broadcastTo(mean(x, 0, true), [4, 5])) }),
  gather: at(image, {
    'an axis, one entry twice': (x) => bent(gather(x, tensor1d([3, 1, 3], 'int32'), 1)),
    'the label of each row': (x) =>
      bent(gather(reshape(x, [2, 72]), tensor([[5], [70]], [2, 1], 'int32'), 1, 1)),
    'a table of indices': (x) =>
      bent(
        gather(
          x,
          tensor(
            [
              [0, 2],
              [2, 5],
            ],
            [2, 2],
            'int32',
          ),
          2,
        ),
      ),
  }),
  clone: at(matrix, { '': (x) => bent(clone(x)) }),
};
