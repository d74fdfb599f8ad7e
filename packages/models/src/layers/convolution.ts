import { add, conv2d, mul, type Tensor4D } from '@tensorflow/tfjs-core';
import type { NetworkBuilder } from '../network-builder.ts';
import type { InputShape } from '../options.ts';
import type { PerChannel } from './batch-norm.ts';
import { type Padding, padImages, stridedSize } from './padding.ts';

export interface ConvolutionOptions {
  /** Height and width of the filter; odd where there is a stride. */
  size: number;
  /** `[h, w, c]` of what comes in. */
  from: InputShape;
  /** Channels. */
  to: number;
  /** Default 1. */
  stride?: number;
  /** Default `'symmetric'`. */
  padding?: Padding;
  /** Default false: batch norm has an offset of its own. */
  bias?: boolean;
}

/** What comes right after a convolution, if given, is folded into its filter. */
export interface Convolution {
  (x: Tensor4D, then?: PerChannel): Tensor4D;
  readonly outputShape: InputShape;
}

/** A convolution `[b, h, w, from]` to `[b, ⌈h/stride⌉, ⌈w/stride⌉, to]`; variables `name/filter` and `name/bias`. */
export function convolution(
  network: NetworkBuilder,
  name: string,
  options: ConvolutionOptions,
): Convolution {
  const { size, from, to, stride = 1, padding = 'symmetric', bias = false } = options;
  const [height, width, channels] = from;
  const fanIn = size * size * channels;
  const filter = network.weights(`${name}/filter`, [size, size, channels, to], fanIn);
  const offset = bias ? network.filled(`${name}/bias`, [to], 0) : undefined;
  const outputShape = [stridedSize(height, stride), stridedSize(width, stride), to] as const;
  network.layers.push({
    name,
    kind: `convolution ${size}x${size}${stride > 1 ? `/${stride}` : ''}`,
    outputShape,
    parameters: filter.size + (offset?.size ?? 0),
    multiplyAdds: outputShape[0] * outputShape[1] * filter.size,
  });
  const margin = (size - 1) / 2;
  // With stride 1 and an odd filter, 'same' is symmetric.
  const explicit = padding === 'symmetric' && stride > 1 && margin > 0;
  const apply = (x: Tensor4D, then?: PerChannel): Tensor4D => {
    const padded = explicit ? padImages(x, margin) : x;
    const weights: Tensor4D = then ? mul(filter, then.factor) : (filter as never);
    const y = conv2d(padded, weights, stride, explicit ? 'valid' : 'same');
    const bias = then && offset ? add(mul(offset, then.factor), then.shift) : then?.shift;
    const shift = bias ?? offset;
    return shift ? add(y, shift) : y;
  };
  return Object.assign(apply, { outputShape });
}
