import type { NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';

/** How one op is differentiated: the inputs and outputs its gradient needs, and the gradient of each input. */
export interface Gradient {
  readonly save: readonly string[];
  /** Which of the outputs are saved too, after the inputs. */
  readonly saveOutputs?: readonly boolean[];
  /** Made of differentiable ops, so that it can be differentiated again. `dy` is a list where an op has several outputs. */
  gradient(dy: Tensor, saved: Tensor[], attrs: NamedAttrMap): Record<string, () => Tensor>;
}

/** The gradients of one chapter, by the name of the op's kernel. */
export type Gradients = Readonly<Record<string, Gradient>>;

export const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
