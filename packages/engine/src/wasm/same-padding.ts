import {
  backend_util,
  type KernelFunc,
  type NamedAttrMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import type { Shape4D } from './convolution-geometry.ts';

type Pair = [number, number];

/**
 * Where a stride is so much longer than the filter that 'same' pads nothing and leaves pixels out, the
 * backend's convolutions give zeros. Padded explicitly, by the same amounts, they are right.
 */
export const convolutionKernel =
  (depthwise: boolean) =>
  (original: KernelFunc): KernelFunc =>
  (call) => {
    if (call.attrs!.pad !== 'same') return original(call);
    const { strides, dilations, dataFormat } = call.attrs as Record<string, unknown>;
    const { x, filter } = call.inputs as Record<'x' | 'filter', Tensor>;
    const info = backend_util.computeConv2DInfo(
      x.shape as Shape4D,
      filter.shape as Shape4D,
      strides as Pair,
      // tfjs-layers leaves them null.
      (dilations ?? 1) as Pair,
      'same',
      undefined,
      depthwise,
      backend_util.convertConv2DDataFormat((dataFormat as 'NHWC') ?? 'NHWC'),
    );
    const spare = (out: number, stride: number, kernel: number, size: number) =>
      (out - 1) * stride + kernel < size;
    const { outHeight, outWidth, inHeight, inWidth, strideHeight, strideWidth } = info;
    const gap =
      spare(outHeight, strideHeight, info.effectiveFilterHeight, inHeight) ||
      spare(outWidth, strideWidth, info.effectiveFilterWidth, inWidth);
    if (!gap) return original(call);
    const { top, bottom, left, right } = info.padInfo;
    const pad = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ];
    return original({ ...call, attrs: { ...call.attrs, pad } as unknown as NamedAttrMap });
  };
