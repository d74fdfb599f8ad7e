import type { Parameter } from '@llr/core';
import {
  add,
  concat,
  dispose,
  mul,
  type NamedTensorMap,
  reshape,
  type Scalar,
  slice,
  type Tensor1D,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { type NamedVariable, zerosFor } from './named-variable.ts';

/** The gradient of one optimiser step, summed up from those of its micro-batches. */
export interface GradientAccumulator {
  /** The sums, one for each parameter, in their order; zeros between steps. */
  readonly state: readonly NamedVariable[];
  /** Adds gradients, by the name of the parameter's variable, times a weight. */
  add(gradients: NamedTensorMap, weight: Scalar): void;
  /** The sums by the name of the parameter's variable, for the optimiser. */
  sums(): NamedTensorMap;
  /** All sums one after the other: `[parameters]`. */
  flat(): Tensor1D;
  /** Puts others in their place. */
  replace(flat: Tensor1D): void;
  clear(): void;
  dispose(): void;
}

export function gradientAccumulator(parameters: readonly Parameter[]): GradientAccumulator {
  const state = zerosFor(parameters, 'gradient');
  const sums = state.map(({ variable }) => variable);
  return {
    state,
    add: (gradients, weight) =>
      tidy(() => {
        for (const [i, { name, variable }] of parameters.entries()) {
          const gradient = gradients[variable.name];
          if (!gradient) throw new Error(`No gradient was found for the parameter ${name}.`);
          sums[i]!.assign(add(sums[i]!, mul(gradient, weight)));
        }
      }),
    sums: () => Object.fromEntries(parameters.map(({ variable }, i) => [variable.name, sums[i]!])),
    flat: () => tidy(() => concat(sums.map((sum) => reshape(sum, [sum.size])))),
    replace: (flat) =>
      tidy(() => {
        let from = 0;
        for (const sum of sums) {
          sum.assign(reshape(slice(flat, [from], [sum.size]), sum.shape));
          from += sum.size;
        }
      }),
    clear: () =>
      tidy(() => {
        for (const sum of sums) sum.assign(zerosLike(sum));
      }),
    dispose: () => dispose(sums),
  };
}
