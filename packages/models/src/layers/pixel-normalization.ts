import { mul, sub, type Tensor4D, tensor1d } from '@tensorflow/tfjs-core';

/** Per channel, in the units of the pixel box [0, 1]; `(x − mean) / std`. */
export interface PixelStatistics {
  mean?: readonly number[];
  std?: readonly number[];
}

/** Normalises images `[b, h, w, c]` by the data's mean and standard deviation; without them, leaves them as they are. */
export function pixelNormalization({ mean, std }: PixelStatistics): (x: Tensor4D) => Tensor4D {
  return (x) => {
    const centred = mean ? sub<Tensor4D>(x, tensor1d([...mean])) : x;
    return std ? mul(centred, tensor1d(std.map((deviation) => 1 / deviation))) : centred;
  };
}

const of255 = (values: readonly number[]) => values.map((value) => value / 255);

/**
 * The pixel statistics that networks in use were trained with, to be spread into a network's options.
 * They differ between groups, and weights mean nothing with others.
 */
export const normalization = {
  /** The LLR paper's CIFAR-10 networks, as released; also WRN's authors'. */
  cifar10: { mean: of255([125.3, 123, 113.9]), std: of255([63, 62.1, 66.7]) },
  /** The LLR paper's ImageNet networks, as released: 2x − 1. */
  imageNet: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  /** torchvision's and most of timm's ImageNet networks. */
  torchvision: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
} as const satisfies Record<string, PixelStatistics>;
