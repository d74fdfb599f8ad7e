import { add, clipByValue, mul, sub, type Tensor4D } from '@tensorflow/tfjs-core';

/**
 * The last step of every projection: clips x + δ to the pixel box and gives the difference to x. Call it in a
 * tidy.
 *
 * @param inBall - δ once it is in the ball
 * @param perturbation - δ as it came: where it is not a number, nor is the result. (On wasm clipByValue makes a
 *   bound of NaN, and a broken gradient would pass for a step.)
 */
export const intoBox = (inBall: Tensor4D, perturbation: Tensor4D, images: Tensor4D): Tensor4D =>
  add(sub(clipByValue(add(images, inBall), 0, 1), images), mul(perturbation, 0));
