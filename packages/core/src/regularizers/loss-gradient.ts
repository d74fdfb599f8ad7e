import { inputGradient } from '@llr/engine';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { StatisticsUse } from '../contracts/classifier.ts';
import type { TrainContext } from '../contracts/regularizer.ts';

/**
 * ∇ₓ of the loss of each image, `[b, h, w, c]`, differentiable in the parameters. With `'batch'` it goes
 * through the batch statistics too, as functions of the images: one example's loss then also moves with
 * its neighbours' pixels, and the gradient is that of the sum of the losses.
 */
export const lossGradient = (
  context: TrainContext,
  images: Tensor4D,
  use: StatisticsUse,
): Tensor4D =>
  inputGradient<Tensor4D>(
    (at) => ({ value: context.loss(context.forward(at, use).logits, context.labels) }),
    images,
  ).gradient;
