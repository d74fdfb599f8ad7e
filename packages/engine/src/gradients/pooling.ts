import {
  avgPool,
  backend_util,
  div,
  engine,
  gather,
  getBackend,
  getKernel,
  type KernelFunc,
  maximum,
  mul,
  type NamedAttrMap,
  type NamedTensorMap,
  pad,
  registerKernel,
  reshape,
  scalar,
  type Tensor,
  type Tensor4D,
  tensor4d,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { TensorFlowBackend } from '../graph/binding.ts';
import type { Gradients } from './gradient.ts';

type Shape4D = [number, number, number, number];
type Pair = [number, number];
type PoolInfo = backend_util.Conv2DInfo;

const run = (kernel: string, inputs: NamedTensorMap, attrs: unknown) =>
  engine().runKernel(kernel, inputs, attrs as NamedAttrMap) as Tensor4D;

/** A pool's windows, as attributes that every one of its kernels understands: the backward ones know no rounding mode. */
export function windows(x: Tensor, attrs: NamedAttrMap) {
  const info = backend_util.computePool2DInfo(
    x.shape as Shape4D,
    attrs.filterSize as Pair,
    attrs.strides as Pair,
    1,
    attrs.pad as 'same',
    attrs.dimRoundingMode as 'floor',
  );
  const { top, left } = info.padInfo;
  const bottom = (info.outHeight - 1) * info.strideHeight + info.filterHeight - info.inHeight - top;
  const right = (info.outWidth - 1) * info.strideWidth + info.filterWidth - info.inWidth - left;
  const explicit = [
    [0, 0],
    [top, Math.max(0, bottom)],
    [left, Math.max(0, right)],
    [0, 0],
  ];
  const { filterSize, strides, pad } = attrs;
  return { info, attrs: { filterSize, strides, pad: typeof pad === 'string' ? pad : explicit } };
}

/** How many of a window's places lie inside the input, for each output along one axis. */
function counts(outputs: number, stride: number, kernel: number, size: number, before: number) {
  return Array.from({ length: outputs }, (_, i) => {
    const start = i * stride - before;
    return Math.min(start + kernel, size) - Math.max(start, 0);
  });
}

/**
 * An average is over the places inside the input. TensorFlow's AvgPoolGrad is its adjoint; those of tfjs
 * divide by the whole window at the border too, a wrong gradient wherever there is padding. This is the
 * factor between the two, [1, h, w, 1], or nothing where they agree.
 */
function borderFactor(info: PoolInfo): Tensor | undefined {
  if (getBackend() === 'tensorflow') return undefined;
  const area = info.filterHeight * info.filterWidth;
  const rows = counts(
    info.outHeight,
    info.strideHeight,
    info.filterHeight,
    info.inHeight,
    info.padInfo.top,
  );
  const columns = counts(
    info.outWidth,
    info.strideWidth,
    info.filterWidth,
    info.inWidth,
    info.padInfo.left,
  );
  const factors = rows.flatMap((r) => columns.map((c) => area / (r * c)));
  if (factors.every((factor) => factor === 1)) return undefined;
  return tensor4d(factors, [1, info.outHeight, info.outWidth, 1]);
}

/**
 * The derivative of a max pool along a direction: the direction's value at the place of each maximum.
 * TensorFlow has it as an op; elsewhere it is a gather. Both take the first of equal entries, as MaxPoolGrad does.
 */
const maxPoolTangent = 'MaxPoolGradGrad';

const tangentByGather: KernelFunc = ({ inputs, attrs }) =>
  tidy(() => {
    const { input, tangent } = inputs as Record<string, Tensor>;
    const [, places] = engine().runKernel('MaxPoolWithArgmax', { x: input! }, {
      ...attrs,
      includeBatchInIndex: true,
    } as NamedAttrMap) as Tensor[];
    // A window of NaN has no maximum, and −1 for its place.
    const indices = maximum(reshape(places!, [places!.size]), scalar(0, 'int32'));
    const direction = reshape(tangent!, [tangent!.shape.reduce((a, b) => a * b, 1)]);
    return reshape(gather(direction, indices), places!.shape);
  });

const tangentByTensorFlow: KernelFunc = ({ inputs, attrs, backend }) => {
  const tensorFlow = backend as unknown as TensorFlowBackend;
  const binding = tensorFlow.binding as unknown as Record<string, number>;
  const { info } = windows(inputs.input as Tensor, attrs as NamedAttrMap);
  const opAttrs = [
    { name: 'T', type: binding.TF_ATTR_TYPE!, value: binding.TF_FLOAT },
    {
      name: 'ksize',
      type: binding.TF_ATTR_INT!,
      value: [1, info.filterHeight, info.filterWidth, 1],
    },
    {
      name: 'strides',
      type: binding.TF_ATTR_INT!,
      value: [1, info.strideHeight, info.strideWidth, 1],
    },
    { name: 'padding', type: binding.TF_ATTR_STRING!, value: 'VALID' },
    { name: 'data_format', type: binding.TF_ATTR_STRING!, value: 'NHWC' },
  ];
  const { input, output, tangent } = inputs as Record<string, Tensor4D>;
  return tidy(() => {
    // Padded here, so that what comes out is smaller than what goes in: of the same size, TensorFlow's op may
    // write it over the direction that it still reads.
    const padded = [pad(input!, around(info), lowest), output!, pad(tangent!, around(info))];
    return tensorFlow.executeSingleOutput(maxPoolTangent, opAttrs, padded);
  });
};

const lowest = -3.4e38;

const around = ({ padInfo: { top, bottom, left, right } }: PoolInfo): [Pair, Pair, Pair, Pair] => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

function runTangent(inputs: NamedTensorMap, attrs: NamedAttrMap): Tensor {
  const backendName = getBackend();
  if (!getKernel(maxPoolTangent, backendName)) {
    const kernelFunc = backendName === 'tensorflow' ? tangentByTensorFlow : tangentByGather;
    registerKernel({ kernelName: maxPoolTangent, backendName, kernelFunc });
  }
  return run(maxPoolTangent, inputs, attrs);
}

export const pooling: Gradients = {
  AvgPool: {
    save: ['x'],
    gradient: (dy, [x], attrs) => ({
      x: () => {
        const pool = windows(x!, attrs);
        const factor = borderFactor(pool.info);
        return run('AvgPoolGrad', { dy: factor ? mul(dy, factor) : dy, input: x! }, pool.attrs);
      },
    }),
  },
  // Linear in dy: its gradient is the average pool, with the border's factor taken back.
  AvgPoolGrad: {
    save: ['input'],
    gradient: (g, [input], attrs) => ({
      dy: () => {
        const { filterSize, strides, pad } = attrs as {
          filterSize: Pair;
          strides: Pair;
          pad: 'same';
        };
        const pooled = avgPool(g as Tensor4D, filterSize, strides, pad);
        const factor = borderFactor(windows(input!, attrs).info);
        return factor ? div(pooled, factor) : pooled;
      },
      input: () => zerosLike(input!),
    }),
  },
  MaxPool: {
    save: ['x'],
    saveOutputs: [true],
    gradient: (dy, [x, y], attrs) => ({
      x: () => run('MaxPoolGrad', { dy, input: x!, output: y! }, windows(x!, attrs).attrs),
    }),
  },
  // Linear in dy; where the maxima are doesn't change under small changes of the input.
  MaxPoolGrad: {
    save: ['input', 'output'],
    gradient: (g, [input, output], attrs) => ({
      dy: () => runTangent({ input: input!, output: output!, tangent: g }, attrs),
      input: () => zerosLike(input!),
      output: () => zerosLike(output!),
    }),
  },
  [maxPoolTangent]: {
    save: ['input', 'output'],
    gradient: (dy, [input, output], attrs) => ({
      tangent: () => run('MaxPoolGrad', { dy, input: input!, output: output! }, attrs),
      input: () => zerosLike(input!),
      output: () => zerosLike(output!),
    }),
  },
};
