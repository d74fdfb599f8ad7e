import { add, conv2d, mul, pad, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';
import type { NetworkVariables } from '../network-variables.ts';
import type { PerChannel } from './batch-norm.ts';

/**
 * How a strided 3x3 convolution pads an even size: `'symmetric'` by 1 on every side, as PyTorch does, or
 * `'same'`, TensorFlow's, by 0 before and 1 after. They see other windows, so weights don't carry over.
 */
export type Padding = 'symmetric' | 'same';

export const paddings: readonly Padding[] = ['symmetric', 'same'];

export interface ConvolutionOptions {
  /** Height and width of the filter; odd where there is a stride. */
  size: number;
  from: number;
  to: number;
  /** Default 1. */
  stride?: number;
  /** Default `'symmetric'`. */
  padding?: Padding;
  /** Default false: batch norm has an offset of its own. */
  bias?: boolean;
}

/** What comes right after a convolution, if given, is folded into its filter. */
export type Convolution = (x: Tensor4D, then?: PerChannel) => Tensor4D;

/** A convolution `[b, h, w, from]` to `[b, ⌈h/stride⌉, ⌈w/stride⌉, to]`; variables `name/filter` and `name/bias`. */
export function convolution(
  variables: NetworkVariables,
  name: string,
  options: ConvolutionOptions,
): Convolution {
  const { size, from, to, stride = 1, padding = 'symmetric', bias = false } = options;
  const filter = variables.weights(`${name}/filter`, [size, size, from, to], size * size * from);
  const offset = bias ? variables.filled(`${name}/bias`, [to], 0) : undefined;
  const margin = (size - 1) / 2;
  // With stride 1 and an odd filter, 'same' is symmetric.
  const explicit = padding === 'symmetric' && stride > 1 && margin > 0;
  return (x, then) => {
    const padded = explicit
      ? pad(x, [
          [0, 0],
          [margin, margin],
          [margin, margin],
          [0, 0],
        ])
      : x;
    const weights: Tensor = then ? mul(filter, then.factor) : filter;
    const y = conv2d(padded, weights as never, stride, explicit ? 'valid' : 'same') as Tensor4D;
    const bias = then && offset ? add(mul(offset, then.factor), then.shift) : then?.shift;
    const shift = bias ?? offset;
    return shift ? add(y, shift) : y;
  };
}
