import { type Parameter, type RandomSource, randomSource } from '@llr/core';
import { fill, type Tensor, tensor, tidy, type Variable, variable } from '@tensorflow/tfjs-core';
import type { NamedVariable } from './configured-classifier.ts';
import type { BatchNorm } from './layers/batch-norm.ts';
import type { LayerSummary } from './summary.ts';

/** What a network is made of, filled layer by layer: its variables under their names, and what each layer is. */
export interface NetworkBuilder {
  readonly parameters: readonly Parameter[];
  readonly runningStatistics: readonly NamedVariable[];
  readonly norms: BatchNorm[];
  readonly layers: LayerSummary[];
  /** Trainable weights with decay, normal with variance 2 / fanIn (He et al. 2015). */
  weights(name: string, shape: number[], fanIn: number): Variable;
  /** Trainable, without decay, one value everywhere: a bias, or the scale or offset of batch norm. */
  filled(name: string, shape: number[], value: number): Variable;
  /** Not trainable. */
  average(name: string, shape: number[], value: number): Variable;
  dispose(): void;
}

let drawn = true;

/** Builds a network whose weights, about to be loaded, are 0: drawing tens of millions of random numbers takes seconds. */
export function withoutInitialWeights<T>(build: () => T): T {
  drawn = false;
  try {
    return build();
  } finally {
    drawn = true;
  }
}

/**
 * No layers yet. Initial weights are a function of the seed and of the weights' own name and shape.
 *
 * @throws RangeError when the seed is not a whole number
 */
export function networkBuilder(seed: number): NetworkBuilder {
  const random = randomSource(seed).fork('initial weights');
  const parameters: Parameter[] = [];
  const runningStatistics: NamedVariable[] = [];
  const trainable = (name: string, initial: () => Tensor, decay: boolean): Variable => {
    const made = tidy(() => variable(initial()));
    parameters.push({ name, variable: made, decay });
    return made;
  };
  return {
    parameters,
    runningStatistics,
    norms: [],
    layers: [],
    weights: (name, shape, fanIn) =>
      trainable(
        name,
        () => (drawn ? normal(random.fork(name), shape, Math.sqrt(2 / fanIn)) : fill(shape, 0)),
        true,
      ),
    filled: (name, shape, value) => trainable(name, () => fill(shape, value), false),
    average: (name, shape, value) => {
      const made = tidy(() => variable(fill(shape, value), false));
      runningStatistics.push({ name, variable: made });
      return made;
    },
    dispose: () => {
      for (const { variable } of [...parameters, ...runningStatistics]) {
        if (!variable.isDisposed) variable.dispose();
      }
    },
  };
}

/** Normal numbers, two from each pair of uniform ones (Box & Muller 1958). */
function normal(random: RandomSource, shape: number[], deviation: number): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  const pairs = Math.ceil(size / 2);
  const uniform = random
    .forExamples([0])
    .uniform([1, 2 * pairs])
    .dataSync();
  const values = new Float32Array(2 * pairs);
  for (let pair = 0; pair < pairs; pair++) {
    // Uniform numbers start at 0, whose logarithm is infinite.
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - uniform[2 * pair]!));
    const angle = 2 * Math.PI * uniform[2 * pair + 1]!;
    values[2 * pair] = radius * Math.cos(angle);
    values[2 * pair + 1] = radius * Math.sin(angle);
  }
  return tensor(values.subarray(0, size), shape);
}
