import type { RecordedStatistics } from '@llr/core';
import {
  add,
  addN,
  concat,
  mul,
  type Scalar,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';

/** The batch statistics of one micro-batch, and its share of the batch's images. */
export interface StatisticsPart {
  readonly weight: Scalar;
  readonly recorded: RecordedStatistics;
}

/**
 * The statistics of a batch from those of its parts, whose weights sum up to 1: the mean of the means, and, by the law
 * of total variance, the mean of the variances plus the variance of the means. That is E[x²] − E[x]² with E[x²]
 * averaged over the parts, written so that float32 doesn't cancel. Exact in the first layer that normalises; further up
 * each part was normalised by its own statistics.
 *
 * @returns statistics that the caller owns
 */
export function mergeStatistics(parts: readonly StatisticsPart[]): RecordedStatistics {
  const layers = Object.keys(parts[0]?.recorded ?? {});
  return Object.fromEntries(
    layers.map((layer) => [
      layer,
      mergeLayer(parts.map(({ weight, recorded }) => ({ weight, ...recorded[layer]! }))),
    ]),
  );
}

type LayerPart = RecordedStatistics[string] & { weight: Scalar };

const mergeLayer = (parts: readonly LayerPart[]): RecordedStatistics[string] =>
  tidy(() => {
    const average = (of: (part: LayerPart) => Tensor) =>
      addN(parts.map((part) => mul(of(part), part.weight))) as Tensor1D;
    const mean = average((part) => part.mean);
    const variance = average((part) => add(part.variance, square(sub(part.mean, mean))));
    return { mean, variance };
  });

/** Batch statistics in memory, all layers one after the other. */
export interface PackedStatistics {
  readonly layers: readonly { readonly name: string; readonly channels: number }[];
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

export function packStatistics(recorded: RecordedStatistics): PackedStatistics {
  const layers = Object.entries(recorded);
  const packed = (of: 'mean' | 'variance') => {
    if (layers.length === 0) return new Float32Array();
    let values: Float32Array = new Float32Array();
    tidy(() => {
      values = concat(layers.map(([, statistics]) => statistics[of])).dataSync<'float32'>();
    });
    return values;
  };
  return {
    layers: layers.map(([name, { mean }]) => ({ name, channels: mean.size })),
    mean: packed('mean'),
    variance: packed('variance'),
  };
}

/** @returns statistics that the caller owns */
export function unpackStatistics({ layers, mean, variance }: PackedStatistics): RecordedStatistics {
  let from = 0;
  const unpacked: Record<string, RecordedStatistics[string]> = {};
  for (const { name, channels } of layers) {
    const of = (values: Float32Array) => tensor1d(values.slice(from, from + channels));
    unpacked[name] = { mean: of(mean), variance: of(variance) };
    from += channels;
  }
  return unpacked;
}
