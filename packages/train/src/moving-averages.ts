import type { Parameter } from '@llr/core';
import {
  add,
  dispose,
  div,
  minimum,
  mul,
  type Scalar,
  sub,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import type { NamedVariable } from './named-variable.ts';

/** Exponential moving averages of a network's parameters. */
export interface MovingAverages {
  /** One for each parameter, in their order. */
  readonly state: readonly NamedVariable[];
  /** Takes in the parameters after the optimiser's step with this number, from 0. */
  update(step: Scalar): void;
  /**
   * Runs a function while the averages are in the parameters' place, and puts the parameters back, to the bit, however
   * it ends.
   */
  during<T>(fn: () => Promise<T>): Promise<T>;
  dispose(): void;
}

/**
 * Averages of parameters over the steps of training, a ← d·a + (1 − d)·θ with d = min(decay, (1 + t) / (10 + t)) at step
 * t, so that the first values are soon forgotten: TensorFlow's rule, and that of DeepMind's robust training (Gowal et
 * al. 2020, Rebuffi et al. 2021: decay 0.995). The running statistics of batch norm are taken as they are with
 * averaged parameters, as there: they are moving averages already.
 *
 * @throws RangeError when `decay` isn't in [0, 1)
 */
export function movingAverages(
  parameters: readonly Parameter[],
  { decay }: { decay: number },
): MovingAverages {
  if (!(decay >= 0 && decay < 1)) {
    throw new RangeError(
      `The decay of averages must be at least 0 and less than 1, such as 0.995, not ${decay}.`,
    );
  }
  const state = parameters.map((parameter) => ({
    name: `average/${parameter.name}`,
    variable: variable(parameter.variable, false),
  }));
  const averages = state.map(({ variable }) => variable);
  return {
    state,
    update: (step) =>
      tidy(() => {
        const kept = minimum(decay, div(add(step, 1), add(step, 10)));
        const taken = sub(1, kept);
        for (const [i, parameter] of parameters.entries()) {
          const average = averages[i]!;
          average.assign(add(mul(average, kept), mul(parameter.variable, taken)));
        }
      }),
    during: async (fn) => {
      const own = parameters.map(({ variable }) => variable.clone());
      const put = (values: readonly (typeof own)[number][]) => {
        for (const [i, parameter] of parameters.entries()) parameter.variable.assign(values[i]!);
      };
      put(averages);
      try {
        return await fn();
      } finally {
        put(own);
        dispose(own);
      }
    },
    dispose: () => dispose(averages),
  };
}
