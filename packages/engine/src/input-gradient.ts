import {
  clone,
  engine,
  grad,
  keep,
  type NamedTensorMap,
  sum,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { installHigherOrderGradients } from './gradients/install.ts';

/** What a function to be differentiated returns: the value, and whatever else its forward pass made. */
export interface ValueWith<Extra extends NamedTensorMap> {
  value: Tensor;
  extra?: Extra;
}

/**
 * f(x) and the gradient of its sum with respect to x, from one forward pass.
 *
 * This is the one way an input gradient is taken. It works at a clone of x, because a nested `tf.grad` at
 * x itself also differentiates whatever was computed from x before (batch statistics, say), and it sees
 * to it first that gradients are right when differentiated twice.
 *
 * @param f - maps a tensor like x to `value` (any shape; its sum is differentiated, so per-example values
 *   `[b]` don't couple) and, if wanted, `extra` tensors of the same forward pass (logits, …)
 * @param x - where to differentiate, any shape
 * @returns value (as f gave it), gradient (shaped like x) and extra; all can be differentiated again
 * @throws when f doesn't depend on x, or uses an op whose gradient is missing or can't be nested
 */
export function inputGradient<
  T extends Tensor,
  Extra extends NamedTensorMap = Record<never, never>,
>(f: (x: T) => ValueWith<Extra>, x: T): { value: Tensor; gradient: T; extra: Extra } {
  installHigherOrderGradients();
  return tidy(() => {
    const copy = clone(x);
    let value: Tensor | undefined;
    let extra = {} as Extra;
    let kept: Tensor[] = [];
    try {
      const gradient = grad((at: Tensor) => {
        const found = f(at as T);
        value = found.value;
        extra = found.extra ?? extra;
        // The forward pass runs in a tidy of tfjs's own, which would dispose of everything but the sum.
        // Tensors made before it are somebody else's.
        kept = [value, ...Object.values(extra)].filter(({ id, kept }) => id >= copy.id && !kept);
        for (const tensor of kept) keep(tensor);
        return sum(value);
      })(copy);
      return { value: value!, gradient: gradient as T, extra };
    } finally {
      release(kept);
    }
  });
}

/** Hands kept tensors back to the scope in force, as if they had been made in it. */
function release(tensors: Tensor[]) {
  for (const tensor of tensors) {
    tensor.kept = false;
    (engine() as unknown as { track(tensor: Tensor): Tensor }).track(tensor);
  }
}
