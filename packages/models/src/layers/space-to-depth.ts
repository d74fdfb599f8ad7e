import { type Rank, reshape, type Tensor4D, transpose } from '@tensorflow/tfjs-core';

/**
 * Moves every 2x2 square of pixels into channels: `[b, h, w, c]` to `[b, h/2, w/2, 4c]`, in the order of
 * TensorFlow's SpaceToDepth. A stride-1 convolution of the result does the work of a strided one.
 */
export function spaceToDepth(x: Tensor4D): Tensor4D {
  const [b, h, w, c] = x.shape;
  const squares = reshape<Rank.R4>(x, [(b * h) / 2, 2, w / 2, 2 * c]);
  const gathered = transpose(squares, [0, 2, 1, 3]);
  return reshape<Rank.R4>(gathered, [b, h / 2, w / 2, 4 * c]);
}
