import { inputGradient } from '@llr/engine';
import { mul, sum, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { assertSameShape } from '../same-shape.ts';

/** f(x) and J(x)v, both shaped like f(x). */
export interface JacobianVectorProduct<Output extends Tensor> {
  value: Output;
  product: Output;
}

/**
 * The Jacobian of f at x times v, without the Jacobian: how f(x) changes along v, to first order.
 *
 * Two reverse passes make one forward derivative: vᵀ(Jᵀu) is linear in u, and its gradient in u is Jv.
 *
 * @param f - any function of a tensor whose ops are differentiable twice; where its rows don't depend on one
 *   another (no batch statistics), neither do the rows of Jv
 * @param x - where; any shape
 * @param v - along what; shaped like x
 * @returns tensors the caller owns
 * @throws RangeError when v isn't shaped like x; an error when f doesn't depend on x, or can't be differentiated
 *   twice
 */
export function jacobianVectorProduct<Input extends Tensor, Output extends Tensor>(
  f: (x: Input) => Output,
  x: Input,
  v: Input,
): JacobianVectorProduct<Output> {
  assertSameShape('v', v, 'x', x);
  return tidy(() => {
    const value = f(x);
    const { gradient: product } = inputGradient((u: Output) => {
      const pulledBack = inputGradient((at: Input) => ({ value: mul(u, f(at)) }), x).gradient;
      return { value: sum(mul(v, pulledBack)) };
    }, zerosLike(value));
    return { value, product };
  });
}
