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
