import { type Tensor2D, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import type { Classifier } from './contracts/classifier.ts';

/**
 * A plain function as a classifier, to be attacked and measured.
 *
 * @param logits - images `[b, h, w, c]` in [0, 1] to logits `[b, classes]` (not softmax: attacks need what it hides), with
 *   any normalisation inside; made of tfjs ops. Its parameters must be variables, or it runs eagerly, which is slower
 */
export function fromFunction(
  logits: (images: Tensor4D) => Tensor2D,
  {
    inputShape,
    numClasses,
    name = logits.name || 'function',
  }: { inputShape: Classifier['inputShape']; numClasses: number; name?: string },
): Classifier {
  const forward = (images: Tensor4D): Tensor2D => tidy(() => logits(images));
  return {
    name,
    inputShape,
    numClasses,
    statistics: 'running',
    forward: (images) => ({ logits: forward(images) }),
    freeze: () => forward,
  };
}
