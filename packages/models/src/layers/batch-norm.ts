import type { RecordedStatistics, StatisticsUse } from '@llr/core';
import { heldConstant } from '@llr/engine';
import {
  add,
  mean,
  mul,
  rsqrt,
  square,
  sub,
  type Tensor1D,
  type Tensor4D,
  tidy,
} from '@tensorflow/tfjs-core';
import type { NetworkBuilder } from '../network-builder.ts';
import type { InputShape } from '../options.ts';

/** Of the variance, under the root; PyTorch's. */
export const defaultEpsilon = 1e-5;
const momentum = 0.1;

type LayerStatistics = RecordedStatistics[string];

/** One pass through a network: which statistics its batch norms use, and those they record. */
export interface NormPass {
  readonly use: StatisticsUse;
  readonly recorded: { [layer: string]: LayerStatistics };
  /** Whether batch norm right after a convolution goes into its filter: only at fixed statistics. */
  readonly folded: boolean;
}

/** x·factor + shift for each channel, `[channels]` each. */
export interface PerChannel {
  readonly factor: Tensor1D;
  readonly shift: Tensor1D;
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015) over batch, rows and columns, with a trainable scale
 * and offset. With `'batch'` it uses and records the mean and the biased variance of its very input.
 */
export interface BatchNorm {
  apply(x: Tensor4D, pass: NormPass): Tensor4D;
  /** What `apply` does at fixed statistics. */
  at(statistics: Exclude<StatisticsUse, 'batch'>): PerChannel;
  /**
   * running ← 0.9·running + 0.1·recorded. The variance is the biased one, as in DeepMind's code; PyTorch
   * keeps the unbiased one there.
   */
  updateRunning(recorded: RecordedStatistics): void;
}

export interface BatchNormOptions {
  /** `[h, w, c]` of what comes in, and out. */
  shape: InputShape;
  /** Added to the variance. */
  epsilon: number;
  /** What the scale begins with; default 1. */
  scale?: number;
}

/** Variables `name/scale`, `name/offset`, `name/running-mean` and `name/running-variance`, each `[channels]`. */
export function batchNorm(
  network: NetworkBuilder,
  name: string,
  { shape, epsilon, scale: initialScale = 1 }: BatchNormOptions,
): BatchNorm {
  const channels = shape[2];
  const scale = network.filled(`${name}/scale`, [channels], initialScale);
  const offset = network.filled(`${name}/offset`, [channels], 0);
  const running = {
    mean: network.average(`${name}/running-mean`, [channels], 0),
    variance: network.average(`${name}/running-variance`, [channels], 1),
  };
  network.layers.push({
    name,
    kind: 'batch norm',
    outputShape: shape,
    parameters: 2 * channels,
    multiplyAdds: 0,
  });
  const fixedStatistics = (use: Exclude<StatisticsUse, 'batch'>): LayerStatistics =>
    use === 'running' ? (running as LayerStatistics) : givenStatistics(use, name, channels);
  const statisticsOf = (x: Tensor4D, { use, recorded }: NormPass): LayerStatistics => {
    if (use !== 'batch') return fixedStatistics(use);
    const own = heldConstant(() => batchStatistics(x));
    recorded[name] = own;
    return own;
  };
  const perChannel = ({ mean, variance }: LayerStatistics): PerChannel => {
    const factor = mul(scale, rsqrt(add(variance, epsilon))) as Tensor1D;
    return { factor, shift: sub(offset, mul(mean, factor)) };
  };
  const norm: BatchNorm = {
    apply: (x, pass) => {
      const { factor, shift } = perChannel(statisticsOf(x, pass));
      return add(mul(x, factor), shift);
    },
    at: (use) => perChannel(fixedStatistics(use)),
    updateRunning: (recorded) => {
      const given = givenStatistics(recorded, name, channels);
      for (const part of ['mean', 'variance'] as const) {
        tidy(() => {
          running[part].assign(add(mul(running[part], 1 - momentum), mul(given[part], momentum)));
        });
      }
    },
  };
  network.norms.push(norm);
  return norm;
}

/** Mean and biased variance of each channel. */
function batchStatistics(x: Tensor4D): LayerStatistics {
  const average = mean<Tensor1D>(x, [0, 1, 2]);
  return { mean: average, variance: mean<Tensor1D>(square(sub(x, average)), [0, 1, 2]) };
}

function givenStatistics(
  recorded: RecordedStatistics,
  name: string,
  channels: number,
): LayerStatistics {
  const given = recorded[name];
  if (!given) {
    throw new Error(
      `The recorded statistics have no layer ${name}; they have: ${Object.keys(recorded).join(', ') || 'none'}. Give back what the same network recorded with 'batch'.`,
    );
  }
  const found = [given.mean.size, given.variance.size];
  if (found.some((size) => size !== channels)) {
    throw new Error(
      `The recorded statistics of ${name} have ${found.join(' and ')} channels, not ${channels}: they come from another network.`,
    );
  }
  return given;
}
