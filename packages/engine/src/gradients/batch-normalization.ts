import {
  add,
  engine,
  mul,
  type NamedAttrMap,
  type NamedTensorMap,
  ones,
  reshape,
  rsqrt,
  scalar,
  sub,
  sum,
  type Tensor,
  zeros,
} from '@tensorflow/tfjs-core';
import type { Gradients } from './gradient.ts';

/** Sums what was broadcast from `shape`. */
function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  const offset = x.rank - shape.length;
  const axes = x.shape.map((_, i) => i).filter((i) => i < offset || shape[i - offset] === 1);
  return reshape(axes.length > 0 ? sum(x, axes) : x, shape as number[]);
}

/**
 * y = (x − mean) · scale / √(variance + ε) + offset. tfjs's own gradient tiles the statistics to
 * the size of x, and takes statistics of shape `[c]` only.
 */
export const batchNormalization: Gradients = {
  FusedBatchNorm: {
    save: ['x', 'mean', 'variance', 'offset', 'scale'],
    gradient: (dy, [x, mean, variance, offset, scale], attrs) => {
      const inverse = () => rsqrt(add(variance!, scalar(attrs.varianceEpsilon as number)));
      const slope = () => mul(inverse(), scale!);
      const centred = () => sub(x!, mean!);
      return {
        x: () => mul(dy, slope()),
        mean: () => mul(sumTo(dy, mean!.shape), mul(slope(), -1)),
        variance: () => {
          const r = inverse();
          return mul(
            sumTo(mul(dy, centred()), variance!.shape),
            mul(mul(slope(), mul(r, r)), -0.5),
          );
        },
        scale: () => mul(sumTo(mul(dy, centred()), scale!.shape), inverse()),
        offset: () => sumTo(dy, offset!.shape),
      };
    },
  },
};

interface Kernels {
  state: { gradientDepth: number };
  runKernel(name: string, inputs: NamedTensorMap, attrs?: NamedAttrMap): Tensor | Tensor[];
}

const completed = Symbol.for('llr.batch-normalization');

/** Gives batch normalisation the offset or scale it is called without: tfjs's tape can't record an input that isn't there. */
export function completeBatchNormalization(): void {
  const kernels = engine() as unknown as Kernels & { [completed]?: true };
  if (kernels[completed]) return;
  const runKernel = kernels.runKernel.bind(kernels);
  kernels.runKernel = (name, inputs, attrs) => {
    if (name !== 'FusedBatchNorm' || kernels.state.gradientDepth === 0) {
      return runKernel(name, inputs, attrs);
    }
    const { shape } = inputs.mean!;
    const offset = inputs.offset ?? zeros(shape);
    const scale = inputs.scale ?? ones(shape);
    return runKernel(name, { ...inputs, offset, scale }, attrs);
  };
  kernels[completed] = true;
}
